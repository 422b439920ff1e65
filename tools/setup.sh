#!/bin/sh
# Prepares this machine: sh tools/setup.sh run|test|dev|bench. Installs only what is missing, and prints each step.
#   run    packages to open a scene     test  run, and packages of the tests     dev  test, and `make check`
#   bench  test, and the peers that benchmarks compare with
# PYTHON=python3.12 selects the interpreter, VENV=DIR the folder of the virtual environment (.venv).
# shellcheck disable=SC2086 # lists of package names are split on purpose
set -eu
cd "$(dirname "$0")/.."

role=${1:-run}
venv=${VENV:-.venv}
updated=no
case $role in
run) extras='' ;;
test) extras='[test]' ;;
dev) extras='[dev]' ;;
bench) extras='[bench]' ;;
*)
    echo "setup: no role '$role' (there are run, test, dev and bench)" >&2
    exit 2
    ;;
esac

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 3
}
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# install PACKAGE...: with apt-get, after one update per run.
install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "this system has no apt-get; please install the equivalents of: $*"
        return 0
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        fail "system packages are missing and there is neither root nor sudo here; please run as root:" \
            "  apt-get update && apt-get install -y --no-install-recommends $*"
    fi
    if [ "$updated" = no ]; then
        say "reading the package lists"
        as_root apt-get update -qq || fail "apt-get update failed; see the lines above"
        updated=yes
    fi
    say "installing $*"
    log=$(mktemp)
    if ! as_root apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Finds the first suitable interpreter among the names that distributions use: python3, then the newest.
find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null 2>&1 && recent "$name"; then
            python=$name
            return 0
        fi
    done
    return 1
}

if ! find_python; then
    found=$( (${PYTHON:-python3} --version) 2>&1 || true)
    say "Diorama needs Python 3.11 or newer; here is: ${found:-none}"
    # Ubuntu 22.04 ships 3.10 as python3 and 3.11 beside it.
    if [ -z "${PYTHON:-}" ] && command -v apt-cache >/dev/null 2>&1 &&
        apt-cache show python3.11-venv >/dev/null 2>&1; then
        install python3.11 python3.11-venv
    fi
    find_python || fail "no Python 3.11 or newer could be found or installed." \
        "Debian 12 and Ubuntu 24.04 have one; on Ubuntu 22.04: apt-get update, then apt-get install python3.11 python3.11-venv" \
        "(from 'universe'). With one elsewhere: make PYTHON=/path/to/python3.12 setup"
fi

missing() { "$python" -m engine.cli.probe --packages "$@"; }

# Debian has the venv module of Python in a separate package.
packages=$(missing "$role")
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    packages="$packages $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
[ -z "$(echo $packages)" ] || install $packages

# With the loader installed, devices can be listed; without any, Mesa's software driver is installed.
# A crash while listing them counts as no device.
packages=$(missing device) || packages=mesa-vulkan-drivers
[ -z "$packages" ] || install $packages
[ -z "$(missing device || echo crashed)" ] || say "there is still no Vulkan 1.3 device; 'python -m engine doctor' shows why"

if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    say "making the virtual environment $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi
say "installing the Python packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
