#!/usr/bin/env bash
# Compiles examples/spans.c against an unpacked tarball, with each library, and runs it:
#
#     tests/wheels/try_c.sh TARBALL

set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
tar -C "$directory" -xzf "$1"
cd "$directory"
root=$(echo "$directory"/edbprof-c-*)

export PKG_CONFIG_PATH=$root/lib/pkgconfig
read -ra shared < <(pkg-config --cflags --libs edbprof)
read -ra static < <(pkg-config --static --cflags --libs edbprof)
"${HOST_CC:-cc}" -std=c11 -Wall -Wextra -Werror "$here/examples/spans.c" -o with_shared "${shared[@]}"
# The linker prefers the shared library, so that the static one is named as a file.
"${HOST_CC:-cc}" -std=c11 -Wall -Wextra -Werror "$here/examples/spans.c" -o with_static \
    "${static[@]/-ledbprof/$root/lib/libedbprof.a}"
for program in with_shared with_static; do
    mkdir "results_$program"
    LD_LIBRARY_PATH=$root/lib "./$program" "results_$program/spans.prof"
    "${PYTHON:-python3}" - "results_$program/spans.prof" <<'PYTHON'
import pstats, sys
stats = pstats.Stats(sys.argv[1]).stats
calls = {name: row[1] for (_, _, name), row in stats.items()}
assert calls["parse"] == 3 and calls["evaluate"] == 30, calls
print(f"{sys.argv[1]}: 3 calls of parse, 30 of evaluate")
PYTHON
done
! ldd with_static | grep edbprof
