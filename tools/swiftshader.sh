#!/bin/sh
# Unpacks SwiftShader, a second software driver, into build/swiftshader: sh tools/swiftshader.sh
# It lies inside Debian's package chromium-common, which is downloaded with apt-get and not installed. The loader takes
# this driver alone with VK_DRIVER_FILES=build/swiftshader/vk_swiftshader_icd.json.
set -eu
cd "$(dirname "$0")/.."

folder=build/swiftshader
driver=$folder/vk_swiftshader_icd.json
if [ -e "$driver" ]; then
    exit 0
fi
fail() {
    echo "swiftshader: $*" >&2
    exit 3
}
for program in apt-get dpkg; do
    command -v "$program" >/dev/null 2>&1 || fail "there is no $program here, which fetches and unpacks it"
done

mkdir -p build
work=$(mktemp -d build/swiftshader.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
(cd "$work" && apt-get download chromium-common >log 2>&1) ||
    fail "apt-get cannot download chromium-common: $(grep -E '^[EW]:' "$work/log" | tail -n 1)"
dpkg -x "$work"/chromium-common_*.deb "$work/unpacked"
mkdir "$work/driver"
for name in libvk_swiftshader.so vk_swiftshader_icd.json; do
    found=$(find "$work/unpacked" -name "$name" -type f)
    [ -n "$found" ] || fail "the package has no $name"
    mv "$found" "$work/driver/"
done
rm -rf "$folder"
mv "$work/driver" "$folder"
