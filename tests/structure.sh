#!/bin/sh
# Proves what the compiler cannot: only the filter names the host or calls it, nothing imports the filter, and the module
# carries no dependency of the command-line tool.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s:\n%s\n' "$1" "$2" >&2
    exit 1
}

# What stands in src outside of the filter and looks like this.
elsewhere() {
    grep -rnE "$1" src | grep -vE '^src/filter(\.rs:|/)' || true
}

found=$(elsewhere 'proxy_wasm')
[ -z "$found" ] || fail 'only src/filter.rs and src/filter/ may name proxy_wasm' "$found"

# A hostcall can be declared by hand too: in a block or a type of another ABI, or under another name by its link. That is
# not so of `extern crate`, nor of the names of exports in texts.
found=$(elsewhere '(^|[^a-z_])extern +(r?#*"|\{|fn )|link_name|wasm_import_module')
[ -z "$found" ] || fail 'only src/filter.rs and src/filter/ may declare foreign functions' "$found"

found=$(elsewhere '(crate|envoy_maintenance)::filter')
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
