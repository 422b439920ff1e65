#!/bin/sh
# Runs a command in Debian 13, whose Mesa is newer, over a copy of the checkout: sh tools/debian13.sh COMMAND...
# The system is in build/debian13: debootstrap, downloaded with apt-get and not installed here, makes it once. Its mounts
# are those of this process and end with it.
set -eu
cd "$(dirname "$0")/.."

root=build/debian13
fail() {
    echo "debian13: $*" >&2
    exit 3
}
for program in apt-get dpkg chroot unshare; do
    command -v "$program" >/dev/null 2>&1 || fail "there is no $program here"
done
[ "$(id -u)" -eq 0 ] || fail "to work in another system needs root"
unshare -m true 2>/dev/null || fail "this process may not have mounts of its own"

# inside COMMAND...: in the other system.
inside() {
    unshare -m sh -c '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            PIP_CERT=/etc/ssl/certs/ca-certificates.crt sh -c "cd /diorama && exec \"\$@\"" sh "$@"
    ' sh "$root" "$@"
}

mkdir -p build
if [ ! -e "$root" ]; then
    work=$(mktemp -d "$PWD/build/debian13.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 3' HUP INT TERM
    (cd "$work" && apt-get download debootstrap >log 2>&1) ||
        fail "apt-get cannot download debootstrap: $(grep -E '^[EW]:' "$work/log" | tail -n 1)"
    dpkg -x "$work"/debootstrap_*.deb "$work/unpacked"
    DEBOOTSTRAP_DIR=$work/unpacked/usr/share/debootstrap unshare -m sh "$work/unpacked/usr/sbin/debootstrap" \
        --variant=minbase --include=ca-certificates,python3,python3-venv trixie "$work/root" \
        http://deb.debian.org/debian >"$work/log" 2>&1 || fail "debootstrap: $(tail -n 1 "$work/log")"
    mkdir "$work/root/diorama"
    mv "$work/root" "$root"
fi

# The name servers and certificates of this machine; the checkout as it is now, and the environment of the last run.
cp /etc/resolv.conf "$root/etc/"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
find "$root/diorama" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
tar -c --exclude=./build --exclude=./.venv --exclude=./.git --exclude='*.ogCache*' --exclude=__pycache__ . |
    tar -x --no-same-owner -C "$root/diorama"
inside dpkg --configure -a >"$root/setup.log" 2>&1 || fail "$(tail -n 1 "$root/setup.log")" # what was interrupted
inside sh tools/setup.sh test >>"$root/setup.log" 2>&1 || fail "$(tail -n 1 "$root/setup.log")"
inside "$@"
