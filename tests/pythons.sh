#!/usr/bin/env bash
# Python 3.14 and 3.15 from Debian sid, in a root of their own: build/sid. `make pythons`
# calls it, as root, since debootstrap wants to be. They come from the mirror that apt-get of
# this machine uses, or from DEBIAN_MIRROR; --mirror prints which.
#
# They run on the host as they are, without chroot or container: their interpreters are
# told to use the loader and the libraries of their own root. So virtual environments in
# the checkout are made from them as from any other Python.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly VERSIONS=(3.14 3.15)
root=$PWD/build/sid
readonly root

# Prints the mirror that apt uses for Debian, because a network may reach no other one.
mirror() {
    # shellcheck disable=SC2016  # apt-get fills these in.
    apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 !~ /security/ && !found++ { print $2 }'
}

DEBIAN_MIRROR=${DEBIAN_MIRROR:-$(mirror)}
[[ -n $DEBIAN_MIRROR ]] || {
    echo "pythons: apt-get knows no mirror of Debian; name one: make pythons DEBIAN_MIRROR=URL" >&2
    exit 1
}
if [[ ${1-} == --mirror ]]; then
    echo "$DEBIAN_MIRROR"
    exit 0
fi
if [[ -e $root/complete ]]; then
    echo "pythons: $root is there; remove it to have it made anew"
    exit 0
fi
for tool in debootstrap patchelf; do
    command -v "$tool" >/dev/null || {
        echo "pythons: '$tool' is missing (Debian, Ubuntu: apt-get install $tool)" >&2
        exit 1
    }
done
[[ $(id -u) == 0 ]] || {
    echo "pythons: debootstrap has to be run by root: sudo make pythons" >&2
    exit 1
}

rm -rf "$root"
debootstrap --variant=minbase --include=ca-certificates sid "$root" "$DEBIAN_MIRROR"
packages=()
for version in "${VERSIONS[@]}"; do
    packages+=("python$version-dev" "python$version-venv" "libpython$version-testsuite")
done
chroot "$root" apt-get install -q -y --no-install-recommends "${packages[@]}"

libraries=$(cd "$root/usr/lib" && echo *-linux-gnu)
for version in "${VERSIONS[@]}"; do
    python=$root/usr/bin/python$version
    loader=$(patchelf --print-interpreter "$python")
    patchelf --set-interpreter "$root$loader" --force-rpath \
        --set-rpath "$root/usr/lib/$libraries" "$python"
    # Debian's pyconfig.h is a road sign to a place that its own compiler knows.
    ln -sfn "../$libraries" "$root/usr/include/python$version/$libraries"
    # Where ensurepip finds its wheels.
    grep -rlZ --include='*.py' --include='*.json' /usr/share/python-wheels \
        "$root/usr/lib/python$version" |
        xargs -0 sed -i "s|\([\"' ]\)/usr/share/python-wheels|\1$root/usr/share/python-wheels|"
    "$python" -c 'import ctypes, ensurepip, ssl, sys, venv; print("pythons:", sys.version)'
done
touch "$root/complete"
