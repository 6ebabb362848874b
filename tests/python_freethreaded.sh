#!/usr/bin/env bash
# Builds a free-threaded Python 3.13 from the sources of Debian trixie into
# build/freethreaded/python. `make python-freethreaded` calls it; about five minutes on two cores.
# With --thread-sanitizer, one that reports races goes into build/freethreaded-tsan/python, with
# CPython's own suppressions beside it.
#
# The sources come from the mirror that apt-get of this machine uses, or from DEBIAN_MIRROR.

set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/build/freethreaded
options=(--disable-gil)
if [[ ${1-} == --thread-sanitizer ]]; then
    place+=-tsan
    options+=(--with-thread-sanitizer --disable-test-modules OPT="-O1 -g1")
fi
readonly place options

if [[ -e $place/complete ]]; then
    echo "python-freethreaded: $place is there; remove it to have it made anew"
    exit 0
fi
for tool in apt-get gcc make xz; do
    command -v "$tool" >/dev/null || {
        echo "python-freethreaded: '$tool' is missing" >&2
        exit 1
    }
done
mirror=$(bash tests/pythons.sh --mirror)

# Lists of its own, because those of this machine may be of another release of Debian.
apt=$place/apt
rm -rf "$place"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$place/source"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" \
    >"$apt/sources.list"
apt_options=(
    -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/nonexistent
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
)
(
    cd "$apt"
    apt-get -q "${apt_options[@]}" update
    apt-get -q "${apt_options[@]}" source --download-only python3.13
)
tar -xf "$apt"/python3.13_*.orig.tar.xz -C "$place/source" --strip-components=1

(
    cd "$place/source"
    ./configure --quiet --prefix="$place/python" "${options[@]}" --without-ensurepip
    make --silent -j"$(nproc)"
    # Without bytecode but of the modules at the top: compiling it takes longer than all the rest.
    make --silent install COMPILEALL_OPTS='-j0 -r 0'
) >"$place/build.log" 2>&1 || {
    tail -n 40 "$place/build.log" >&2
    exit 1
}
# Races of CPython itself that its authors know.
cat "$place"/source/Tools/tsan/sup*.txt >"$place/suppressions.txt"
rm -rf "$apt" "$place/source"
touch "$place/complete"
"$place/python/bin/python3.13t" -c 'import sys; print("python-freethreaded:", sys.version)'
