#!/usr/bin/env bash
# Builds what is published, for glibc 2.28 and later, and tries it where there is no compiler:
#
#     tests/wheels/build.sh wheels [PYTHON...]    a wheel for each interpreter
#     tests/wheels/build.sh c                     a tarball for programs in C
#
# Results go to build/wheels. `make wheels` and `make c-tarball` install the tools first.

set -euo pipefail
cd "$(dirname "$0")/../.."

readonly GLIBC=2.28
readonly TOOLS=$PWD/.venv-wheels/bin
readonly OUT=$PWD/build/wheels
machine=$(uname -m)
readonly machine

# A C compiler and linker for that glibc; a script, because setuptools and cargo want a path.
mkdir -p "$OUT"
cat >"$OUT/zigcc" <<CC
#!/bin/sh
exec "$TOOLS/cargo-zigbuild" zig cc -- -target $machine-linux-gnu.$GLIBC "\$@"
CC
chmod +x "$OUT/zigcc"

triple=${machine^^}_UNKNOWN_LINUX_GNU
export PATH=$TOOLS:$PATH
export CC=$OUT/zigcc LDSHARED="$OUT/zigcc -shared" LDFLAGS=-Wl,-s
export CARGO_TARGET_DIR=$OUT/target
# Slower to build, and a tenth smaller.
export CARGO_PROFILE_PROGRAM_LTO=fat CARGO_PROFILE_PROGRAM_CODEGEN_UNITS=1
export CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols
export "CARGO_TARGET_${triple}_LINKER=$OUT/zigcc"

# Runs a command without network (where namespaces are allowed), compiler and environment.
alone() { # PATH COMMAND...
    local isolate=("$(command -v unshare)" --net --map-root-user)
    "${isolate[@]}" true 2>/dev/null || isolate=()
    env -i PATH="$1" HOME=/nonexistent LC_ALL=C.UTF-8 "${isolate[@]}" "${@:2}"
}

build_wheel() { # PYTHON
    local raw=$OUT/raw wheel bare=$OUT/bare tag
    rm -rf "$raw" "$bare"
    "$1" -m venv --clear "$OUT/venv"
    "$OUT/venv/bin/python" -m pip --disable-pip-version-check wheel --quiet --no-deps \
        --wheel-dir "$raw" .
    "$TOOLS/python" -m auditwheel repair --plat "manylinux_${GLIBC/./_}_$machine" \
        --wheel-dir "$OUT" "$raw"/*.whl
    # cp313-cp313, or cp313-cp313t without GIL.
    tag=$("$1" -c 'import sys; print("cp{0}{1}-cp{0}{1}{2}".format(*sys.version_info[:2], sys.abiflags))')
    wheel=("$OUT"/edbprof-*-"$tag"-manylinux*.whl)
    "$TOOLS/python" tests/wheels/size.py "${wheel[@]}"
    "$1" -m venv --clear "$bare"
    alone "$bare/bin" "$bare/bin/python" -m pip --disable-pip-version-check install --quiet \
        --no-index --no-deps "${wheel[@]}"
    alone "$bare/bin" "$bare/bin/python" tests/wheels/first_command.py
}

# Fails if a symbol of a newer glibc is needed; weak ones are looked up when they are used.
check_symbols() { # FILE
    local newer
    newer=$(readelf --wide --dyn-syms "$1" | awk '$7 == "UND" && $5 != "WEAK" { print $8 }' |
        sed -n 's/.*@GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1)
    [[ $(printf '%s\n' "$newer" "$GLIBC" | sort -V | tail -n 1) == "$GLIBC" ]] || {
        echo "$1 needs glibc $newer, but $GLIBC has to do" >&2
        return 1
    }
}

build_c() {
    local version name root
    version=$(sed -n '0,/^version = /s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    name=edbprof-c-$version-$machine-linux
    root=$OUT/$name
    rm -rf "$root"
    PREFIX=$root DESTDIR='' LIBDIR=lib scripts/install-c
    for library in "$root"/lib/*.so; do
        check_symbols "$library"
    done
    tar -C "$OUT" --sort=name --owner=0 --group=0 -czf "$OUT/$name.tar.gz" "$name"
    "$TOOLS/python" tests/wheels/size.py "$OUT/$name.tar.gz"
    bash tests/wheels/try_c.sh "$OUT/$name.tar.gz"
}

case ${1-} in
wheels)
    rm -f "$OUT"/*.whl
    for python in "${@:2}"; do
        build_wheel "$python"
    done
    ls "$OUT"/*.whl
    ;;
c) build_c ;;
*) sed -n '2,8p' "$0" && exit 2 ;;
esac
