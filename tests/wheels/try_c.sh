#!/usr/bin/env bash
# Unpacks a tarball somewhere, and uses the libraries in it:
#
#     tests/wheels/try_c.sh TARBALL

set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
tar -C "$directory" -xzf "$1"
bash "$here/tests/c/try_installed.sh" "$directory"/edbprof-c-*
