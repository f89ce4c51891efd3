#!/bin/sh
# Installs the Rust version in rust-toolchain.toml if it is missing.
set -eu
cd "$(dirname "$0")/../.."

version=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)

complete() {
    sysroot=$(rustc --print sysroot) && cargo clippy --version && cargo fmt --version &&
        test -d "$sysroot/lib/rustlib/wasm32-wasip1"
} >/dev/null 2>&1

complete && exit 0
if ! command -v rustup >/dev/null; then
    echo "Rust $version with the target wasm32-wasip1 is missing, and so is rustup, which installs it" >&2
    exit 1
fi
echo "== toolchain: install Rust $version with clippy, rustfmt and the target wasm32-wasip1"
rustup toolchain install "$version" --profile minimal --component clippy,rustfmt --target wasm32-wasip1
