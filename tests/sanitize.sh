#!/usr/bin/env bash
# Runs the suites under a sanitizer; `make test-asan` and its like call it:
#
#     tests/sanitize.sh address [SUITE...]      recorder, hosts in C and C++, python
#     tests/sanitize.sh undefined [SUITE...]    hosts: the code of C alone
#     tests/sanitize.sh thread [SUITE...]       hosts, python: tests of threads without GIL
#     tests/sanitize.sh valgrind                hosts
#
# The suite python takes PYTHON, and leaves out the tests of tests/python/not_sanitized.txt. With
# address, its code of C is checked for undefined behaviour, too. PYTEST_ARGS chooses tests. Under
# ThreadSanitizer it takes the Python of `tests/python_freethreaded.sh --thread-sanitizer`.
#
# The stable compiler has the sanitizers' runtimes, and takes -Zsanitizer because of
# RUSTC_BOOTSTRAP. Its std is not instrumented.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=$PWD/build/sanitize
readonly sanitizer=${1-}
target=$(rustc -vV | sed -n 's/^host: //p')
suites=()
case $sanitizer in
address)
    suites=(recorder hosts python)
    export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1
    ;;
undefined)
    suites=(hosts)
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
thread)
    suites=(hosts python)
    export TSAN_OPTIONS=suppressions=$OUT/tsan.supp
    ;;
valgrind)
    suites=(hosts)
    export EDBPROF_VALGRIND=1
    ;;
*)
    sed -n '2,9p' "$0"
    exit 2
    ;;
esac
[[ $# -eq 1 ]] || suites=("${@:2}")

[[ $1 == valgrind ]] || export EDBPROF_HOST_FLAGS=-fsanitize=$1
if [[ $1 == thread ]]; then
    # The compiler's own runtime may lack what Rust's code calls, so Rust's goes into the hosts.
    runtime=$(rustc --print sysroot)/lib/rustlib/$target/lib/librustc-stable_rt.tsan.a
    EDBPROF_HOST_FLAGS+=" -nodefaultlibs -Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,-E"
    EDBPROF_HOST_FLAGS+=" -lstdc++ -lm -lpthread -ldl -lrt -lc -lgcc_s -lgcc"
fi

mkdir -p "$OUT"
cp tests/tsan.supp "$OUT"

# A program built as users get it, beside which the instrumented extension is laid.
if [[ " ${suites[*]} " == *" python "* && $1 == thread ]]; then
    readonly VENV=.venv-tsan-3.13t
    PYTHON=$PWD/build/freethreaded-tsan/python/bin/python3.13t
    [[ -x $PYTHON ]] || bash tests/python_freethreaded.sh --thread-sanitizer
    TSAN_OPTIONS=report_bugs=0 make --no-print-directory "$VENV/.installed" \
        "$VENV/.requirements" PYTHON="$PYTHON"
    cat build/freethreaded-tsan/suppressions.txt tests/tsan.supp >"$OUT/tsan.supp"
elif [[ " ${suites[*]} " == *" python "* ]]; then
    VENV=.venv-sanitized-$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    readonly VENV
    make --no-print-directory "$VENV/.installed" "$VENV/.requirements"
fi

if [[ $1 == address || $1 == thread ]]; then
    # With a target, the flags are not those of build scripts and procedural macros.
    export CARGO_BUILD_TARGET=$target CARGO_TARGET_DIR=$OUT/$1
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1 -Cunsafe-allow-abi-mismatch=sanitizer"
    [[ $1 != thread ]] || RUSTFLAGS+=" --cfg edbprof_tsan"
fi

run_recorder() { cargo test --locked --no-default-features --lib -- recorder capi; }

# One test after the other, because std, which orders what their threads share, is not instrumented.
run_hosts() { cargo test --locked --no-default-features --test c_hosts -- --test-threads=1; }

# Tests in which several threads record.
readonly THREAD_TESTS=(
    test_stress.py test_threads.py test_many_threads.py test_late_starts.py
    test_saving_beside_threads.py test_foreign_threads.py
    test_native_callables.py::test_types_that_change_while_others_call
)

# Fails if a process wrote a report, because tests kill processes and ignore how some end.
readonly REPORTS=$OUT/reports
run_python() {
    local checks=$sanitizer options=log_path=$REPORTS/report
    [[ $sanitizer != address ]] || checks+=,undefined
    local flags="-fsanitize=$checks -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    # With the shared runtime of undefined behaviour, GCC's ignores log_path.
    local package tests=() link="-fsanitize=$checks -static-libubsan"
    local built=$OUT/$sanitizer/${VENV#.venv-}
    if [[ $sanitizer == thread ]]; then
        # GCC's runtime lacks functions that Rust's code calls.
        "${CC:-cc}" -O2 -fPIC -c tests/tsan_runtime.c -o "$OUT/tsan_runtime.o"
        link+=" $OUT/tsan_runtime.o"
    fi
    CFLAGS=$flags LDFLAGS=$link TSAN_OPTIONS=report_bugs=0 "$VENV/bin/python" setup.py --quiet \
        build_ext --build-lib "$built/lib" --build-temp "$built/temp"
    package=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    cp "$built"/lib/edbprof_native/*.so "$package/edbprof_native/"
    # Tests build extensions and programs of their own, with the flags of users.
    unset CARGO_BUILD_TARGET CARGO_TARGET_DIR RUSTFLAGS RUSTC_BOOTSTRAP
    mapfile -t tests < <(sed -n "s/ *#.*//; s/^\($sanitizer\|any\) /--deselect=tests\/python\//p" \
        tests/python/not_sanitized.txt)
    rm -rf "$REPORTS" && mkdir "$REPORTS"
    if [[ $sanitizer == address ]]; then
        # Signals of tests end their processes, and Python's objects are seen one by one.
        options+=:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0
        export ASAN_OPTIONS+=:$options:allocator_may_return_null=1
        export UBSAN_OPTIONS=$options:print_stacktrace=1
        export PYTHONMALLOC=malloc
        # Libraries in C++ throw: the sanitizer finds the real function only if it is loaded first.
        LD_PRELOAD="$("${CC:-cc}" -print-file-name=libasan.so)"
        LD_PRELOAD+=" $("${CC:-cc}" -print-file-name=libstdc++.so.6)"
        export LD_PRELOAD
    elif [[ $sanitizer == thread ]]; then
        TSAN_OPTIONS+=:$options
        [[ -n ${PYTEST_ARGS-} ]] || tests+=("${THREAD_TESTS[@]/#/tests/python/}")
    fi
    local status=0
    # shellcheck disable=SC2086  # Several options.
    "$VENV/bin/python" -m pytest "${tests[@]}" ${PYTEST_ARGS-} || status=$?
    unset LD_PRELOAD
    cat "$REPORTS"/report.* 2>/dev/null && status=1
    return $status
}

for suite in "${suites[@]}"; do
    echo "== $sanitizer: $suite"
    "run_$suite"
done
