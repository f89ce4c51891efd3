# What one can do here. `make help` lists it; CI runs these targets and has no second way.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Everything native is built with the same features, so that cargo builds no dependency twice.
FEATURES := --features strip-exports
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
MODULE := dist/envoy_maintenance.wasm
SHA256 := $(shell command -v sha256sum || echo shasum -a 256)

say = @printf '\n== %s\n' "$(1)"

.PHONY: help run build module maintctl test lint unit e2e bench worst clean toolchain

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@printf '\nENVOY=path takes that Envoy; ENVOY_VERSION=1.36.4 fetches that one (default: the one on PATH, else 1.40.0).\n'

run: strip_profile := --release
run: module maintctl ## starts Envoy with the filter before a demo application on http://localhost:10000
	@envoy/scripts/run.sh

build: strip_profile := --release
build: module maintctl ## makes dist/envoy_maintenance.wasm, dist/maintctl, and dist/istio with the module's sha256
	@envoy/scripts/pin-istio.sh $(MODULE) dist/istio
	@ls -l dist

test: lint unit module e2e ## runs everything: lint, unit, property and command-line tests, and real Envoy

bench: strip_profile := --release
bench: module maintctl ## compares the cost of a request: no filter, an empty one, Lua, this one; and times switches
	$(call say,bench: measures; takes some minutes and wants the machine for itself)
	@envoy=$$(envoy/scripts/get-envoy.sh) && python3 tests/bench/bench.py --envoy "$$envoy" \
		--strip '$(TARGET_DIR)/release/strip-exports' $(BENCH) && python3 tests/bench/switch.py --envoy "$$envoy"

worst: strip_profile := --release
worst: module maintctl ## searches for the policy and the request that cost most, beside a plain refusal
	@envoy=$$(envoy/scripts/get-envoy.sh) && python3 tests/bench/worst.py --envoy "$$envoy" $(WORST)

clean: ## removes what was built or fetched; keeps the demo's key and state in .run
	cargo clean
	rm -rf dist .tools

# The steps of the above.

toolchain:
	@envoy/scripts/get-rust.sh

# The module knows its own build by this number, and tells versions of itself apart by it.
module: toolchain
	$(call say,module: compiles the filter to $(MODULE))
	@mkdir -p dist
	@MAINTENANCE_BUILD=$$(find src Cargo.toml Cargo.lock -type f | LC_ALL=C sort | xargs $(SHA256) | $(SHA256) | cut -c 1-16) \
		cargo rustc --lib --crate-type cdylib --profile wasm --target wasm32-wasip1
	@cargo run --quiet $(strip_profile) $(FEATURES) --bin strip-exports -- \
		'$(TARGET_DIR)/wasm32-wasip1/wasm/envoy_maintenance.wasm' $(MODULE)

maintctl: toolchain
	$(call say,maintctl: compiles the command-line tool to dist/maintctl)
	@mkdir -p dist
	@cargo build --release $(FEATURES) --bin maintctl
	@install -m 755 '$(TARGET_DIR)/release/maintctl' dist/maintctl

lint: toolchain ## checks formatting, Clippy lints, imports between modules, and names
	$(call say,lint: formatting)
	@cargo fmt --check
	$(call say,lint: Clippy for the module)
	@cargo clippy --quiet --lib --target wasm32-wasip1 -- -D warnings
	$(call say,lint: Clippy for maintctl and the tests)
	@cargo clippy --quiet $(FEATURES) --all-targets -- -D warnings
	$(call say,lint: imports between modules, and names of types)
	@RUST_BACKTRACE=0 cargo test --quiet $(FEATURES) --test structure

unit: toolchain
	$(call say,unit: unit and property tests, and the search for paths that servers read differently)
	@cargo test $(FEATURES) --lib --bins --test paths

# Last, so that the last lines of `make test` are those of cargo test.
e2e: toolchain
	$(call say,e2e: the module in a real Envoy, and maintctl)
	@envoy=$$(envoy/scripts/get-envoy.sh) && "$$envoy" --version && \
	ENVOY="$$envoy" MODULE="$(CURDIR)/$(MODULE)" cargo test $(FEATURES) --test e2e -- $(TESTS)
