#!/usr/bin/env bash
# Everything that must hold of edbprof, in one go; `make test` and its like call it:
#
#     tests/check.sh [lint] [rust] [instructions] [python] [browser] [demo] [soak] [wheels] [c_tarball]
#
# One failing check doesn't stop the others. What can't be checked for want of a tool is
# skipped with a line that begins with 'SKIPPED:', said again at the end; with
# EDBPROF_NO_SKIP=1 that is a failure. A test in any language that has to skip for want
# of a tool appends a line 'what (why; what to do)' to the file $EDBPROF_SKIP_LOG.

set -uo pipefail
cd "$(dirname "$0")/.." || exit

readonly MAKE=(make --no-print-directory)
readonly LOOKED_FOR="on PATH, in ${PYENV_ROOT:-$HOME/.pyenv}/versions and in build/sid"
passed=0
failed=0
report=() # One line a check, for the closing summary.

mkdir -p build/test
EDBPROF_SKIP_LOG=$PWD/build/test/skipped
export EDBPROF_SKIP_LOG
: >"$EDBPROF_SKIP_LOG"

skip() { # WHAT AND WHY
    echo "SKIPPED: $1"
    echo "$1" >>"$EDBPROF_SKIP_LOG"
}

check() { # NAME COMMAND...: succeeds when the command does
    local name=$1 start=$SECONDS result=ok
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if "$@"; then
        passed=$((passed + 1))
    else
        result=FAILED
        failed=$((failed + 1))
    fi
    report+=("$(printf '%-7s %4d s  %s' "$result" $((SECONDS - start)) "$name")")
    [[ $result == ok ]]
}

# --- which Pythons -------------------------------------------------------------------

# Succeeds for an interpreter that edbprof can be built for: CPython, not free-threaded,
# able to make virtual environments, with headers. Prints its version, as in 3.11.
usable_python() { # INTERPRETER
    "$1" - 2>/dev/null <<'PYTHON'
import ensurepip, os, platform, sys, sysconfig, venv
assert sys.version_info >= (3, 9) and platform.python_implementation() == "CPython"
assert not sysconfig.get_config_var("Py_GIL_DISABLED")
assert os.path.exists(sysconfig.get_path("include") + "/Python.h")
print("%d.%d" % sys.version_info[:2])
PYTHON
}

find_python() { # VERSION, as in 3.11: prints the interpreter's path
    local candidate found=
    while IFS= read -r candidate; do
        [[ $(usable_python "$candidate") == "$1" ]] && found=$candidate
    done < <(
        type -ap "python$1"
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python 2>/dev/null
        ls -d "$PWD/build/sid/usr/bin/python$1" 2>/dev/null
    )
    [[ -n $found ]] && echo "$found"
}

# Fills the arrays 'versions' and 'interpreters' from PYTHONS, each version once.
versions=()
interpreters=()
add_python() { # VERSION INTERPRETER
    [[ " ${versions[*]-} " == *" $1 "* ]] && return
    versions+=("$1")
    interpreters+=("$2")
}

choose_pythons() {
    local word version python
    version=$(usable_python "${PYTHON:-python3}") && add_python "$version" "${PYTHON:-python3}"
    if [[ -n ${PYTHONS-} ]]; then
        versions=()
        interpreters=()
    elif [[ -z $version ]]; then
        skip "${PYTHON:-python3} (no CPython 3.9+ with venv and headers; run 'make ci-tools')"
    fi
    for word in ${PYTHONS:-3.11 3.13+}; do
        python=
        case $word in
        3.13+) # Both ways of hooking must be tested: up to 3.11 there is one, from 3.12 on two.
            version=3.13
            python=$(find_python 3.13) || {
                version=3.12
                python=$(find_python 3.12)
            }
            word="3.13 or 3.12"
            ;;
        [0-9].[0-9]*) python=$(find_python "$word") && version=$word ;;
        *) version=$(usable_python "$word") && python=$word ;;
        esac
        if [[ -n $python ]]; then
            add_python "$version" "$python"
        else
            skip "Python $word (looked $LOOKED_FOR; install it or name one: PYTHONS=/path/to/python)"
        fi
    done
}

# --- the checks ----------------------------------------------------------------------

check_lint() {
    check "install linters" "${MAKE[@]}" lint-tools
    local linter
    for linter in $(bash tests/lint.sh --list); do
        check "$linter" bash tests/lint.sh "$linter"
    done
    local i
    for i in ${!versions[*]}; do
        check "C warnings, Python ${versions[i]}" compile_c "${interpreters[i]}"
    done
}

compile_c() { # INTERPRETER
    local include source
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))') || return
    for source in cpython_ext/*.c; do
        "${CC:-cc}" -std=c11 -O2 -fPIC -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
            -Iinclude -Icpython_ext -isystem "$include" -c "$source" -o build/test/lint.o || return
    done
}

check_rust() {
    # That test skips itself; here it is said where nobody overlooks it.
    command -v "${CXX:-c++}" >/dev/null ||
        skip "the C++ host (no C++ compiler '${CXX:-c++}'; run 'make ci-tools')"
    check "cargo test" cargo test --locked
}

# The budgets are for x86-64.
can_count_instructions() {
    command -v valgrind >/dev/null && [[ $(uname -sm) == "Linux x86_64" ]]
}

check_instructions() {
    if can_count_instructions; then
        check "instructions an event" "${PYTHON:-python3}" benches/instructions --check
    else
        skip "instructions an event (Linux on x86-64 with valgrind only; run 'make ci-tools')"
    fi
}

check_python() {
    local i venv
    for i in ${!versions[*]}; do
        venv=.venv-${versions[i]}
        # What is installed is tested: no edbprof_native lies where pytest is started.
        check "install on Python ${versions[i]}" \
            "${MAKE[@]}" "$venv/.installed" "$venv/.requirements" PYTHON="${interpreters[i]}" ||
            continue
        check "pytest on Python ${versions[i]}" "$venv/bin/python" -m pytest
        if can_count_instructions; then
            check "instructions an event on Python ${versions[i]}" \
                "${PYTHON:-python3}" benches/instructions --check --python "$venv/bin/python"
        fi
    done
}

check_wheels() {
    check "wheels for Python ${versions[*]}" bash tests/wheels/build.sh wheels "${interpreters[@]}"
}

check_c_tarball() {
    check "tarball for programs in C" bash tests/wheels/build.sh c
}

check_soak() {
    export EDBPROF_MOMENTS=${MOMENTS:-1000}
    check "$EDBPROF_MOMENTS moments of each end, Rust" \
        cargo test --release --locked --test live -- killed
    local i venv
    for i in ${!versions[*]}; do
        venv=.venv-${versions[i]}
        check "install on Python ${versions[i]}" \
            "${MAKE[@]}" "$venv/.installed" "$venv/.requirements" PYTHON="${interpreters[i]}" &&
            check "$EDBPROF_MOMENTS moments of each end, Python ${versions[i]}" \
                "$venv/bin/python" -m pytest tests/python/test_killed.py
    done
}

check_browser() { # Under one Python: what is tested is the picture.
    local missing=() tool venv
    for tool in chromium chromedriver; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if [[ ${#missing[@]} -gt 0 ]]; then
        skip "pictures in a browser (${missing[*]} not found; run 'make ci-tools')"
    elif [[ ${#versions[@]} -gt 0 ]]; then
        venv=.venv-${versions[0]}
        local node=build/node/.installed
        command -v npm >/dev/null || {
            skip "speedscope's importer (npm not found; run 'make ci-tools')"
            node=
        }
        check "install for the browser" "${MAKE[@]}" "$venv/.installed" "$venv/.requirements" \
            "$venv/.browser" ${node:+"$node"} PYTHON="${interpreters[0]}" &&
            check "pictures in a browser" "$venv/bin/python" -m pytest tests/browser
    fi
}

check_demo() {
    mkdir -p build/test/demo
    check "make demo" "${MAKE[@]}" demo DEMO_OUT=build/test/demo
}

[[ $# -gt 0 ]] || set -- lint rust instructions python browser demo
"${MAKE[@]}" tools || exit
choose_pythons
for part in "$@"; do
    "check_$part"
done

printf '\n== Summary\n'
printf '%s\n' ${report[@]+"${report[@]}"}
skipped=$(sort -u "$EDBPROF_SKIP_LOG" | grep -c .)
sort -u "$EDBPROF_SKIP_LOG" | sed 's/^/SKIPPED: /'
if [[ $skipped -gt 0 && ${EDBPROF_NO_SKIP:-0} != 0 ]]; then
    echo "FAILED: $skipped checks were skipped, which EDBPROF_NO_SKIP forbids"
fi
echo "checks: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && ($skipped -eq 0 || ${EDBPROF_NO_SKIP:-0} == 0) ]]
