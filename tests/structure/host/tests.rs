use super::*;
use crate::imports::imports;
use crate::modules::SourceCrate;

#[test]
fn names_of_the_host_are_found_outside_of_the_filter() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("src/a.rs", "use proxy_wasm::types::Action;", &["src/a.rs:1: proxy_wasm"]),
        ("src/a.rs", "fn f() {\n    log!(proxy_wasm::hostcalls::log())\n}", &["src/a.rs:2: proxy_wasm"]),
        ("src/a.rs", "unsafe extern \"C\" { fn proxy_log(); }", &["src/a.rs:1: extern"]),
        ("src/a.rs", "type F = extern fn();", &["src/a.rs:1: extern"]),
        ("src/a.rs", "extern crate alloc;", &[]),
        ("src/a.rs", "/// Like proxy_wasm.\nconst NAME: &str = \"proxy_wasm extern\";", &[]),
        ("src/a.rs", "#[cfg(target_arch = \"wasm32\")] mod b;", &["src/a.rs:1: target_arch"]),
        ("src/lib.rs", "#[cfg(target_arch = \"wasm32\")] mod filter;", &[]),
        ("src/filter.rs", "proxy_wasm::main! {}", &[]),
        ("src/filter/host.rs", "unsafe extern \"C\" {}", &[]),
        ("tests/a.rs", "extern \"C\" fn f() {}", &[]),
    ];
    for (path, text, expected) in rows {
        assert_eq!(names(&Sources::of(&[(path, text)])), *expected, "{path}: {text}");
    }
}

#[test]
fn imports_of_the_filter_are_found_outside_of_it() {
    let files = [
        ("src/lib.rs", "mod a; mod filter;"),
        ("src/a.rs", "use crate::filter::host::log;"),
        ("src/filter.rs", "mod host; mod root;"),
        ("src/filter/host.rs", "pub fn log() {}"),
        ("src/filter/root.rs", "use super::host::log;"),
    ];
    let imports = imports(&SourceCrate::read(&Sources::of(&files), "src/lib.rs"));
    assert_eq!(imports_of_filter(&imports), ["src/a.rs:1: crate::filter::host::log"]);
}
