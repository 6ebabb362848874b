#!/usr/bin/env bash
# Everything that must hold of edbprof, in one go; `make check` and its like call it:
#
#     tests/check.sh [quick_python] [python] [freethreaded] [pytests] [lint] [rust] [browser]
#         [instructions] [demo] [c_install] [soak] [wheels] [c_tarball]
#
# JOBS parts run side by side, begun in the order in which they are named; python is first_python
# and other_pythons. Then the output of a check is printed when it ends. The default is one part more
# than there are processors, because tests often wait for a browser, a server or another process.
#
# One failing check doesn't stop the others. What can't be checked for want of a tool is
# skipped with a line that begins with 'SKIPPED:', said again at the end; with
# EDBPROF_NO_SKIP=1 that is a failure. A test in any language that has to skip for want
# of a tool appends a line 'what (why; what to do)' to the file $EDBPROF_SKIP_LOG.

set -uo pipefail
# Commands in the background of a script ignore these signals, and bash can't restore them. Tests of
# Ctrl-C would wait for ever.
if [[ -z ${SIGNALS_RESTORED-} ]] && env --default-signal=INT,QUIT true 2>/dev/null; then
    SIGNALS_RESTORED=1 exec env --default-signal=INT,QUIT bash "$0" "$@"
fi
cd "$(dirname "$0")/.." || exit

readonly MAKE=(make --no-print-directory)
readonly LOOKED_FOR="on PATH, in ${PYENV_ROOT:-$HOME/.pyenv}/versions and in build/sid"
readonly REPORT=build/test/report # One line a check, for the closing summary.
readonly LOCKS=build/test/locks

rm -rf "$LOCKS"
mkdir -p build/test "$LOCKS"
: >"$REPORT"
EDBPROF_SKIP_LOG=$PWD/build/test/skipped
export EDBPROF_SKIP_LOG
: >"$EDBPROF_SKIP_LOG"

skip() { # WHAT AND WHY
    echo "SKIPPED: $1"
    echo "$1" >>"$EDBPROF_SKIP_LOG"
}

# Runs a command while no other part runs one under that lock.
alone() { # LOCK COMMAND...
    local lock=$LOCKS/$1 status
    until mkdir "$lock" 2>/dev/null; do sleep 0.2; done
    "${@:2}"
    status=$?
    rmdir "$lock"
    return $status
}

check() { # NAME COMMAND...: succeeds when the command does
    local name=$1 start=$SECONDS result=ok log=
    shift
    if [[ -n ${side_by_side-} ]]; then
        echo "-- $name: started"
        log=$(mktemp build/test/log.XXXXXX)
        { printf '\n== %s: %s\n' "$name" "$*" && "$@"; } >"$log" 2>&1 || result=FAILED
        alone printing cat "$log"
        rm "$log"
    else
        printf '\n== %s: %s\n' "$name" "$*"
        "$@" || result=FAILED
    fi
    printf '%-7s %4d s  %s\n' "$result" $((SECONDS - start)) "$name" >>"$REPORT"
    [[ $result == ok ]]
}

# Fills virtual environments by rules of the Makefile. One at a time, because builds for one
# Python share a directory. The program is built faster than for users, and does the same.
install() { # TARGET...
    CARGO_PROFILE_PROGRAM_LTO=off CARGO_PROFILE_PROGRAM_DEBUG=none alone installing "${MAKE[@]}" "$@"
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
    check "install linters" "${MAKE[@]}" .venv-lint/.linters build/lint/.installed \
        build/page/.installed
    local linter i
    for linter in $(bash tests/lint.sh --list | grep -vx stubtest); do
        check "$linter" bash tests/lint.sh "$linter"
    done
    for i in ${!versions[*]}; do
        check "C warnings, Python ${versions[i]}" compile_c "${interpreters[i]}"
    done
    # Last, because only this linter waits for a build of the extension.
    check "install for stubtest" install .venv-lint/.installed &&
        check stubtest bash tests/lint.sh stubtest
}

compile_c() { # INTERPRETER
    local include source
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))') || return
    for source in cpython_ext/*.c cpython_ext/profiles/*.c cpython_ext/annotations/*.c; do
        "${CC:-cc}" -std=c11 -O2 -fPIC -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
            -Iinclude -Icpython_ext -isystem "$include" -c "$source" -o build/test/lint.o || return
    done
}

check_rust() {
    # That test skips itself; here it is said where nobody overlooks it.
    command -v "${CXX:-c++}" >/dev/null ||
        skip "the C++ host (no C++ compiler '${CXX:-c++}'; run 'make ci-tools')"
    check "cargo test" cargo test --locked
    check "cargo test of edbprof-span" cargo test --locked --all-features \
        --manifest-path=edbprof-span/Cargo.toml --target-dir=build/edbprof-span
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

# Prints options for pytest that leave out the tests of a list.
without() { # LIST
    sed -n 's/ *#.*//; /::/s/^test_/--deselect=tests\/python\/&/p' "tests/python/$1"
    sed -n 's/ *#.*//; /::/!s/^test_/--ignore=tests\/python\/&/p' "tests/python/$1"
}

check_python() { # INDEX [OPTION-OF-PYTEST...]
    local version=${versions[$1]} venv=.venv-${versions[$1]}
    # What is installed is tested: no edbprof_native lies where pytest is started.
    check "install on Python $version" \
        install "$venv/.installed" "$venv/.requirements" PYTHON="${interpreters[$1]}" || return
    check "pytest on Python $version" "$venv/bin/python" -m pytest "${@:2}"
    if can_count_instructions; then
        check "instructions an event on Python $version" \
            "${PYTHON:-python3}" benches/instructions --check --python "$venv/bin/python"
    fi
}

# Under one Python, where both hooks are if one of PYTHONS has them.
check_quick_python() {
    local tests
    mapfile -t tests < <(without not_quick.txt)
    [[ ${#versions[@]} -gt 0 ]] && check_python $((${#versions[@]} - 1)) "${tests[@]}"
}

# The suite, and the stress test, where threads run at the same time.
check_freethreaded() {
    local python=build/freethreaded/python/bin/python3.13t venv=.venv-3.13t tests
    [[ -x $python ]] || {
        skip "Python without GIL ($python not found; run 'make python-freethreaded')"
        return
    }
    mapfile -t tests < <(without not_freethreaded.txt)
    check "install on Python 3.13t" \
        install "$venv/.installed" "$venv/.requirements" PYTHON="$PWD/$python" || return
    check "pytest on Python 3.13t" "$venv/bin/python" -m pytest "${tests[@]}"
}

check_pytests() { # Under one Python, which all three releases run on.
    [[ ${#versions[@]} -gt 0 ]] || return
    local last=$((${#versions[@]} - 1)) release directories=()
    local venv=.venv-${versions[last]} python=${interpreters[last]}
    local place=build/pytest/${versions[last]}
    local targets=()
    for release in 7 8 9; do
        directories+=("$PWD/$place/$release")
        targets+=("$place/$release/.installed")
    done
    check "install pytest 7, 8 and 9" install "$venv/.installed" "$venv/.requirements" \
        "${targets[@]}" PYTHON="$python" || return
    check "the plugin with pytest 7, 8 and 9" env EDBPROF_PYTESTS="$(
        IFS=:
        echo "${directories[*]}"
    )" "$venv/bin/python" -m pytest tests/python/test_pytest_plugin.py
}

check_wheels() {
    check "wheels for Python ${versions[*]}" bash tests/wheels/build.sh wheels "${interpreters[@]}"
}

check_c_install() { # Built as tests are, because an optimised build takes minutes.
    local root=$PWD/build/test/c_install
    rm -rf "$root"
    check "install for programs in C" \
        env CARGO_PROFILE=dev DESTDIR="$root" PREFIX=/usr scripts/install-c &&
        check "programs in C use what is installed" bash tests/c/try_installed.sh "$root/usr"
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
            install "$venv/.installed" "$venv/.requirements" PYTHON="${interpreters[i]}" &&
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
        check "install for the browser" install "$venv/.installed" "$venv/.requirements" \
            "$venv/.browser" ${node:+"$node"} PYTHON="${interpreters[0]}" &&
            check "pictures in a browser" "$venv/bin/python" -m pytest tests/browser
    fi
}

check_demo() {
    mkdir -p build/test/demo
    check "install for the demo" install .venv-demo/.installed &&
        check "make demo" "${MAKE[@]}" demo DEMO_OUT=build/test/demo
}

# Runs the jobs that no other worker has taken, each a function with its arguments.
work() {
    local i
    for i in ${!jobs[*]}; do
        # shellcheck disable=SC2086  # A job is several words.
        mkdir "$LOCKS/job-$i" 2>/dev/null && ${jobs[i]}
    done
}

# While edbprof is installed for the first Python, the parts after it need no installation.
[[ $# -gt 0 ]] || set -- first_python rust lint instructions c_install other_pythons browser demo
"${MAKE[@]}" tools || exit
choose_pythons
jobs=()
for part in "$@"; do
    for i in ${!versions[*]}; do
        case $part-$i in python-* | first_python-0 | other_pythons-[1-9]*) jobs+=("check_python $i") ;; esac
    done
    case $part in python | first_python | other_pythons) ;; *) jobs+=("check_$part") ;; esac
done
workers=${JOBS:-$(($(getconf _NPROCESSORS_ONLN) + 1))}
[[ $workers -lt ${#jobs[*]} ]] || workers=${#jobs[*]}
if [[ $workers -gt 1 ]]; then
    side_by_side=1
    # With job control, each worker is a process group that SIGINT is not ignored in, as tests of
    # signals need it; so it has to be passed on.
    set -m
    groups=()
    for ((worker = 0; worker < workers; worker++)); do
        work </dev/null &
        groups+=("-$!")
    done
    trap 'kill -TERM -- "${groups[@]}"; exit 130' INT TERM
    wait
else
    work
fi

printf '\n== Summary\n'
cat "$REPORT"
passed=$(grep -c '^ok ' "$REPORT")
failed=$(grep -c '^FAILED ' "$REPORT")
skipped=$(sort -u "$EDBPROF_SKIP_LOG" | grep -c .)
sort -u "$EDBPROF_SKIP_LOG" | sed 's/^/SKIPPED: /'
if [[ $skipped -gt 0 && ${EDBPROF_NO_SKIP:-0} != 0 ]]; then
    echo "FAILED: $skipped checks were skipped, which EDBPROF_NO_SKIP forbids"
fi
echo "checks: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && ($skipped -eq 0 || ${EDBPROF_NO_SKIP:-0} == 0) ]]
