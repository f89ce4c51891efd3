//! The module's exports and size.

use std::fs;

use crate::support::{module, wasm};

#[test]
fn the_module_exports_only_the_callbacks_that_it_uses() {
    let mut expected = [
        "memory",
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_memory_allocate",
        "proxy_on_vm_start",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_request_headers",
        "proxy_on_tick",
        "proxy_on_delete",
    ];
    expected.sort_unstable();
    assert_eq!(wasm::exports(&fs::read(module()).unwrap()), expected);
}

#[test]
fn the_module_is_at_most_560_kib() {
    let size = fs::metadata(module()).unwrap().len();
    assert!(size <= 560 * 1024, "{size} bytes");
}
