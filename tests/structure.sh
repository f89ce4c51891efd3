#!/bin/sh
# Proves what the compiler cannot: only the filter names the host, nothing imports the filter, and the module carries
# no dependency of the command-line tool.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s:\n%s\n' "$1" "$2" >&2
    exit 1
}

found=$(grep -rn 'proxy_wasm' src | grep -v '^src/filter' || true)
[ -z "$found" ] || fail 'only src/filter.rs and src/filter/ may name proxy_wasm' "$found"

found=$(grep -rnE '(crate|envoy_maintenance)::filter' src | grep -v '^src/filter' || true)
[ -z "$found" ] || fail 'nothing may import the filter' "$found"

# The names in one section of Cargo.toml.
section() {
    awk -v wanted="[$1]" '/^\[/ { inside = ($0 == wanted) } inside && /^[a-z]/ { print $1 }' Cargo.toml | sort -u
}
common=$(section dependencies)
carried=$(cargo tree --quiet --target wasm32-wasip1 --edges normal --prefix none --format '{p}' | awk '{ print $1 }')
for name in $(section "target.'cfg(not(target_arch = \"wasm32\"))'.dependencies"); do
    if ! printf '%s\n' "$common" | grep -qx "$name" && printf '%s\n' "$carried" | grep -qx "$name"; then
        fail 'the module carries a dependency of the command-line tool' "$name"
    fi
done
