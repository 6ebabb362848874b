#!/usr/bin/env bash
# Builds or checks the page of `edbprof view`, whose sources are in page/:
#
#     tests/page.sh build | check
#
# `build` writes src/report/page/page.html. `check` runs the compiler, eslint, prettier and the tests, and
# compares the committed page with a new one. The packages are in build/page, outside the sources,
# so both work on a copy there.

set -euo pipefail
cd "$(dirname "$0")/.."
work=build/page
page=src/report/page/page.html

rm -rf "$work/src"
cp -r page/src page/*.mjs page/tsconfig.json page/.prettierrc.json "$work"
case ${1-} in
build) node "$work/build.mjs" "$PWD/$page" ;;
check)
    (cd "$work" && npx --no-install tsc --noEmit && npx --no-install eslint . &&
        npx --no-install prettier --log-level warn --check "src/**/*.ts" "src/**/*.css" ./*.mjs)
    (cd "$work" && npx --no-install vitest run --reporter=dot --test-timeout=60000 >vitest.log 2>&1) || {
        cat "$work/vitest.log"
        exit 1
    }
    node "$work/build.mjs" "$PWD/$work/page.html"
    cmp "$work/page.html" "$page" || {
        echo "page: $page is not what page/ builds to; run 'make page' and commit it"
        exit 1
    }
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
