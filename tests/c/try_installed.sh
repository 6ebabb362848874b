#!/usr/bin/env bash
# Uses the libraries as programs in C and C++ do, wherever scripts/install-c has installed them:
#
#     tests/c/try_installed.sh DIRECTORY

set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
root=$(cd "$1" && pwd)
lib=$root/lib
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cc=("${HOST_CC:-cc}" -std=c11 -Wall -Wextra -Werror)
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
abi=$(sed -n 's/^#define EDBPROF_ABI_MAJOR //p' "$root/include/edbprof.h")

fail() {
    echo "try_installed: $*" >&2
    exit 1
}

options() { pkg-config --cflags --libs "$@"; }

# Runs a program that writes the file it is told, and compares the calls.
run() { # NAME
    "./$1" "$1.prof" >/dev/null
    "${PYTHON:-python3}" - "$1.prof" <<'PYTHON'
import pstats, sys
stats = pstats.Stats(sys.argv[1]).stats
calls = {name: row[1] for (_, _, name), row in stats.items()}
assert calls in ({"parse": 3, "evaluate": 30}, {"solve": 3, "step": 7}), calls
print(f"{sys.argv[1]}: {calls}")
PYTHON
}

# Names and versions of the shared libraries.
for name in edbprof edbprof_profiles; do
    shared=$lib/lib$name.so.$abi
    soname=$(readelf -d "$shared" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [[ $soname == "lib$name.so.$abi" ]] || fail "$shared is called '$soname'"
    others=$(readelf --wide --dyn-syms "$shared" |
        awk -v version="@@${name^^}_$abi" '($5 == "GLOBAL" || $5 == "WEAK") && $7 != "UND" &&
            $7 != "ABS" && ($8 !~ /^edbprof_/ || index($8, version) == 0) { print $8 }')
    [[ -z $others ]] || fail "$shared exports" "$others"
done

# Each way to link the example in C.
# shellcheck disable=SC2046  # Several words.
{
    "${cc[@]}" "$here/examples/spans.c" -o shared $(options edbprof)
    "${cc[@]}" "$here/examples/spans.c" -o static $(options edbprof-static)
    "${cc[@]}" "$here/examples/spans.c" -o all_static -static $(options --static edbprof |
        sed 's/-lgcc_s/-lgcc_eh/') 2>/dev/null
    "${cc[@]}" "$here/examples/spans.c" -o with_profiles $(options edbprof_profiles)
    "${HOST_CXX:-c++}" -std=c++17 -Wall -Wextra -Werror "$here/examples/spans.cpp" -o cpp -pthread \
        $(options edbprof)
}
for program in shared static all_static with_profiles cpp; do
    run "$program"
done
! ldd static | grep edbprof || fail "the static program needs the shared library"
ldd shared | grep -q "libedbprof.so.$abi => $lib/" || fail "the SONAME is not found"

# Profiles as data.
cat >data.c <<'C'
#include <edbprof_profiles.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    edbprof_source source = {{argv[argc - 1], strlen(argv[argc - 1])}, {NULL, 0}};
    edbprof_failure failure = EDBPROF_ZEROS;
    edbprof_data *data;
    edbprof_column calls;
    if (edbprof_data_load(&source, 1, 0, &data, &failure) != EDBPROF_OK ||
        edbprof_data_column(data, EDBPROF_NODE_CALLS, &calls) != EDBPROF_OK) {
        return 1;
    }
    printf("%u nodes\n", (unsigned)calls.len);
    edbprof_data_free(data);
    return 0;
}
C
# shellcheck disable=SC2046
for link in edbprof_profiles edbprof_profiles-static; do
    "${cc[@]}" data.c -o data $(options "$link")
    [[ $(./data shared.prof) == "2 nodes" ]] || fail "profiles by $link"
done

# Beside a static library that is written in Rust, too.
cat >other.rs <<'RUST'
#[no_mangle]
pub extern "C" fn other(value: i32) -> i32 {
    let values: Vec<i32> = (0..value).collect();
    std::panic::catch_unwind(|| values.iter().sum()).unwrap_or(0)
}
RUST
cat >both.c <<'C'
#include <edbprof.h>
int other(int);
int main(void) { return !(other(3) == 3 && EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())); }
C
rustc --crate-type=staticlib -O other.rs -o libother.a
# shellcheck disable=SC2046
"${cc[@]}" both.c -o both libother.a $(options edbprof-static) && ./both
# shellcheck disable=SC2046
"${cc[@]}" both.c -o both $(options edbprof-static) libother.a -lgcc_s -lc && ./both

# The package of CMake.
command -v cmake >/dev/null || {
    echo "SKIPPED: the package of CMake (cmake not found; run 'make ci-tools')"
    [[ -z ${EDBPROF_SKIP_LOG-} ]] ||
        echo "the package of CMake (cmake not found; run 'make ci-tools')" >>"$EDBPROF_SKIP_LOG"
    exit 0
}
mkdir cmake
cat >cmake/CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.13)
project(spans C)
find_package(edbprof 0.1 REQUIRED)
foreach(name edbprof edbprof_static edbprof_profiles edbprof_profiles_static)
  add_executable(with_\${name} "$here/examples/spans.c")
  target_link_libraries(with_\${name} PRIVATE edbprof::\${name})
endforeach()
CMAKE
cmake -S cmake -B cmake/build -DCMAKE_PREFIX_PATH="$root" >cmake/said 2>&1 ||
    fail "$(cat cmake/said)"
cmake --build cmake/build >>cmake/said 2>&1 || fail "$(cat cmake/said)"
for program in cmake/build/with_*; do
    cp "$program" "$(basename "$program")" && run "$(basename "$program")"
done
