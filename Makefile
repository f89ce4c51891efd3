# All build and test commands. `make help` lists the targets; continuous integration runs the same ones.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# One set of features for all native builds, so that cargo builds each dependency once.
FEATURES := --features strip-exports
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
MODULE := dist/envoy_maintenance.wasm
SHA256 := $(shell command -v sha256sum || echo shasum -a 256)

# make install: DESTDIR precedes PREFIX, for packages.
PREFIX ?= /usr/local
DESTDIR ?=
MAINTCTL ?= dist/maintctl

comma := ,
say = @printf '\n== %s\n' "$(1)"

.PHONY: help run build install module maintctl test lint unit identity e2e simulate bench worst fmt doc clean toolchain

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@printf '\nENVOY=path uses that Envoy, ENVOY_VERSION=1.36.4 fetches that version. Default: envoy on PATH, else 1.40.0.\n'

run: strip_profile := --release
run: module maintctl ## start Envoy and a demo application on http://localhost:10000; PORT=12000 moves all ports by 2000
	@envoy/scripts/run.sh

build: strip_profile := --release
build: module maintctl ## build dist/envoy_maintenance.wasm and dist/maintctl
	@ls -l dist

# It builds nothing, because it often runs as root.
install: share := $(DESTDIR)$(PREFIX)/share
install: ## install what `make build` has built: maintctl, its man pages and completions, below PREFIX=/usr/local
	@test -x '$(MAINTCTL)' || { echo '$(MAINTCTL) is missing; run: make build' >&2; exit 1; }
	@mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(share)/man/man1' '$(share)/bash-completion/completions' \
		'$(share)/fish/vendor_completions.d' '$(share)/zsh/site-functions'
	@install -m 755 '$(MAINTCTL)' '$(DESTDIR)$(PREFIX)/bin/maintctl'
	@'$(MAINTCTL)' man '$(share)/man/man1'
	@'$(MAINTCTL)' completions bash > '$(share)/bash-completion/completions/maintctl'
	@'$(MAINTCTL)' completions fish > '$(share)/fish/vendor_completions.d/maintctl.fish'
	@'$(MAINTCTL)' completions zsh > '$(share)/zsh/site-functions/_maintctl'
	@echo 'installed below $(DESTDIR)$(PREFIX)'

test: lint unit module identity e2e ## run all tests: lint, unit and property tests, and tests with maintctl and a real Envoy

simulate: toolchain ## run 300,000 random interleavings of joins, ticks, traps, pushes and updates; takes some minutes
	@SIMULATIONS=$(or $(SIMULATIONS),300000) cargo --config profile.test.opt-level=2 \
		--config 'profile.test.package."*".opt-level=0' test $(FEATURES) --lib -- members::tests::simulation

bench: strip_profile := --release
bench: module maintctl ## measure the cost of a request without a filter, with an empty one, Lua and this one; and of a switch
	$(call say,bench: measure; takes some minutes on an otherwise idle machine)
	@envoy=$$(envoy/scripts/get-envoy.sh) && python3 tests/bench/bench.py --envoy "$$envoy" \
		--strip '$(TARGET_DIR)/release/strip-exports' $(BENCH) && python3 tests/bench/switch.py --envoy "$$envoy"

worst: strip_profile := --release
worst: module maintctl ## search for the policy and the request that cost most
	@envoy=$$(envoy/scripts/get-envoy.sh) && python3 tests/bench/worst.py --envoy "$$envoy" $(WORST)

fmt: toolchain ## format the code
	@cargo fmt

# The filter exists for wasm only, so the library is documented for that target. Brackets and URLs in the help texts of
# maintctl are not links. Private items are documented too, so links to them work.
doc: toolchain ## build the code's documentation: target/wasm32-wasip1/doc and target/doc
	@RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --quiet --no-deps --document-private-items --lib --target wasm32-wasip1
	@RUSTDOCFLAGS='-D warnings -A rustdoc::bare-urls -A rustdoc::broken-intra-doc-links -A rustdoc::private-intra-doc-links' \
		cargo doc --quiet --no-deps --document-private-items $(FEATURES) --bins

clean: ## remove everything that was built or fetched; keep the demo's key and state in .run
	cargo clean
	rm -rf dist .tools

# Steps of the targets above.

toolchain:
	@envoy/scripts/get-rust.sh

# MAINTENANCE_BUILD identifies the build: two builds of the module in one Envoy must not count each other's workers.
# The module contains the paths of source files, for panics. Without the folder of the dependencies, it is smaller and does
# not depend on the home directory.
module: toolchain
	$(call say,module: compile the filter to $(MODULE))
	@mkdir -p dist
	@cargo fetch --quiet --locked
	@remap=; for folder in "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/*/; do \
		remap="$$remap'--remap-path-prefix=$$folder=',"; done; \
	MAINTENANCE_BUILD=$$(find src Cargo.toml Cargo.lock -type f | LC_ALL=C sort | xargs $(SHA256) | $(SHA256) | cut -c 1-16) \
		cargo --config "target.wasm32-wasip1.rustflags=[$$remap]" rustc --lib --crate-type cdylib --profile wasm --target wasm32-wasip1
	@cargo run --quiet $(strip_profile) $(FEATURES) --bin strip-exports -- \
		'$(TARGET_DIR)/wasm32-wasip1/wasm/envoy_maintenance.wasm' $(MODULE)

maintctl: toolchain
	$(call say,maintctl: compile the command-line tool to dist/maintctl)
	@mkdir -p dist
	@cargo build --release $(FEATURES) --bin maintctl
	@install -m 755 '$(TARGET_DIR)/release/maintctl' dist/maintctl

lint: toolchain ## check format, imports, names and lints
	$(call say,lint: format)
	@cargo fmt --check
	$(call say,lint: Clippy for the module)
	@cargo clippy --quiet --lib --target wasm32-wasip1 -- -D warnings
	$(call say,lint: Clippy for maintctl and the tests)
	@cargo clippy --quiet $(FEATURES) --all-targets -- -D warnings
	$(call say,lint: imports between modules$(comma) and names of types)
	@RUST_BACKTRACE=0 cargo test --quiet $(FEATURES) --test structure

unit: toolchain ## run the unit and property tests
	$(call say,unit: unit and property tests$(comma) and paths that servers read differently)
	@cargo test $(FEATURES) --lib --bins --test paths

# The versions of Envoy between which the key of a VM has changed.
identity: toolchain ## test updates that change an environment variable of the VM, with Envoy 1.38.2, 1.39.0 and 1.40.0
	$(call say,identity: VMs of one build that differ in an environment variable)
	@for version in 1.38.2 1.39.0 1.40.0; do \
		envoy=$$(ENVOY= ENVOY_VERSION=$$version envoy/scripts/get-envoy.sh) && "$$envoy" --version && \
		ENVOY="$$envoy" MODULE="$(CURDIR)/$(MODULE)" cargo test --quiet $(FEATURES) --test e2e -- identity:: || exit 1; \
	done

e2e: toolchain ## run the tests with a real Envoy; TESTS=page runs those whose name contains "page"
	$(call say,e2e: the module in a real Envoy$(comma) and maintctl)
	@envoy=$$(envoy/scripts/get-envoy.sh) && "$$envoy" --version && \
	ENVOY="$$envoy" MODULE="$(CURDIR)/$(MODULE)" cargo test $(FEATURES) --test e2e -- $(TESTS)
