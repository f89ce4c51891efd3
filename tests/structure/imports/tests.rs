use super::*;
use crate::sources::Sources;

/// The imports of a crate as lines "from -> to".
fn resolved(files: &[(&str, &str)]) -> Vec<String> {
    let name = |module: &ModuleName| {
        let below_crate = module.path.join("::");
        if below_crate.is_empty() { "crate".to_owned() } else { below_crate }
    };
    let imports = imports(&SourceCrate::read(&Sources::of(files), "src/lib.rs"));
    let mut lines: Vec<String> =
        imports.iter().map(|import| format!("{} -> {}", name(&import.from), name(&import.to))).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Modules `a` and `b`; `b` has the child `c`, and re-exports the item `Inner` and the child `c` of `c`.
fn crate_with(text_of_a: &str) -> Vec<String> {
    let files = [
        ("src/lib.rs", "mod a; mod b; pub struct Top;"),
        ("src/a.rs", text_of_a),
        ("src/b.rs", "pub mod c; pub use c::Inner; pub struct Outer; pub fn make() {}"),
        ("src/b/c.rs", "pub struct Inner; pub fn call() {} pub mod d { pub struct Deep; }"),
    ];
    let mut lines = resolved(&files);
    lines.retain(|line| line != "b -> b::c");
    lines
}

#[test]
fn paths_lead_to_the_module_that_declares_the_item() {
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        ("use crate::b::Outer;", &["a -> b"]),
        ("use super::b::Outer;", &["a -> b"]),
        ("use super::Top;", &["a -> crate"]),
        ("use crate::{b::{self, c::Inner}};", &["a -> b", "a -> b::c"]),
        ("use crate::b as other; fn f() { other::make() }", &["a -> b"]),
        ("use crate::b::*;", &["a -> b"]),
        ("use crate::b::Inner;", &["a -> b::c"]),
        ("use crate::b::c::d::Deep;", &["a -> b::c::d"]),
        ("fn f() { crate::b::make() }", &["a -> b"]),
        ("fn f() { use super::b::make; make() }", &["a -> b"]),
        ("type F = fn(crate::b::Outer) -> Option<super::b::c::Inner>;", &["a -> b", "a -> b::c"]),
        ("fn f() { println!(\"{}\", crate::b::make()) }", &["a -> b"]),
        ("fn f() { vec![Some(super::b::c::call())]; }", &["a -> b::c"]),
        ("pub(in crate::b) struct S;", &[]),
        ("#[cfg(test)] use crate::b::Outer;", &[]),
        ("#[cfg(test)] mod tests { use crate::b::Outer; }", &[]),
        ("use std::fmt; struct S(fmt::Error);", &[]),
        ("use log::log;", &[]),
        ("mod e { use super::super::b::Outer; }", &["a::e -> b"]),
    ];
    for (text, expected) in rows {
        assert_eq!(crate_with(text), *expected, "{text}");
    }
}

#[test]
fn a_child_that_uses_its_parent_imports_it() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod child; pub struct Item; fn f() { child::run() }"),
        ("src/a/child.rs", "use super::Item; pub fn run() {}"),
    ];
    assert_eq!(resolved(&files), ["a -> a::child", "a::child -> a"]);
}

#[test]
fn a_declaration_of_a_child_is_no_import() {
    assert!(resolved(&[("src/lib.rs", "mod a;"), ("src/a.rs", "pub mod child;"), ("src/a/child.rs", "")]).is_empty());
}

#[test]
fn a_call_of_a_macro_leads_to_its_module() {
    let files = [
        ("src/lib.rs", "#[macro_use] mod a; mod b;"),
        ("src/a.rs", "macro_rules! say { () => {} }"),
        ("src/b.rs", "fn f() { say!() }"),
    ];
    assert_eq!(resolved(&files), ["b -> a"]);
}

#[test]
fn names_that_re_export_each_other_are_not_followed_for_ever() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub use super::b::Name;"),
        ("src/b.rs", "pub use super::a::Name; fn f(_: super::a::Name) {}"),
    ];
    resolved(&files);
}
