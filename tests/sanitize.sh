#!/usr/bin/env bash
# Runs the suites under a sanitizer; `make test-asan` and its like call it:
#
#     tests/sanitize.sh address      recorder, hosts in C and C++
#     tests/sanitize.sh undefined    hosts in C and C++: the code of C alone
#     tests/sanitize.sh thread       hosts in C and C++
#
# The stable compiler has the sanitizers' runtimes, and takes
# -Zsanitizer because of RUSTC_BOOTSTRAP. Its std is not instrumented.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=$PWD/build/sanitize
target=$(rustc -vV | sed -n 's/^host: //p')
suites=()
case $1 in
address)
    suites=(recorder hosts)
    export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1
    ;;
undefined)
    suites=(hosts)
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
thread)
    suites=(hosts)
    export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
    ;;
*)
    sed -n '2,7p' "$0"
    exit 2
    ;;
esac

export EDBPROF_HOST_FLAGS=-fsanitize=$1
if [[ $1 == thread ]]; then
    # The compiler's own runtime may lack what Rust's code calls, so Rust's goes into the hosts.
    runtime=$(rustc --print sysroot)/lib/rustlib/$target/lib/librustc-stable_rt.tsan.a
    EDBPROF_HOST_FLAGS+=" -nodefaultlibs -Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,-E"
    EDBPROF_HOST_FLAGS+=" -lstdc++ -lm -lpthread -ldl -lrt -lc -lgcc_s -lgcc"
fi

# With a target, the flags are not those of build scripts and procedural macros.
export CARGO_BUILD_TARGET=$target CARGO_TARGET_DIR=$OUT/$1
if [[ $1 != undefined ]]; then
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1 -Cunsafe-allow-abi-mismatch=sanitizer"
    [[ $1 != thread ]] || RUSTFLAGS+=" --cfg edbprof_tsan"
fi

run_recorder() { cargo test --locked --no-default-features --lib -- recorder capi; }

run_hosts() { cargo test --locked --no-default-features --test c_hosts; }

for suite in "${suites[@]}"; do
    echo "== $1: $suite"
    "run_$suite"
done
