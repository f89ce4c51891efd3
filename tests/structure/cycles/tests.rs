use super::*;
use crate::imports::{CycleScope, imports};
use crate::modules::SourceCrate;
use crate::sources::Sources;

fn found(node: CycleScope, files: &[(&str, &str)]) -> Vec<String> {
    cycles(&imports(&SourceCrate::read(&Sources::of(files), "src/lib.rs")), |module| Some(node.of(module)))
}

#[test]
fn a_cycle_is_reported_once_with_its_imports() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "\nuse crate::b::B;\npub struct A;"),
        ("src/b.rs", "use crate::c::C;\npub struct B;"),
        ("src/c.rs", "fn f() {\n    super::a::g(super::a::A)\n}\npub struct C;"),
    ];
    let expected = "a -> b -> c -> a
    src/a.rs:2: crate::b::B
    src/b.rs:1: crate::c::C
    src/c.rs:2: super::a::A
    src/c.rs:2: super::a::g";
    assert_eq!(found(CycleScope::TopLevel, &files), [expected]);
}

#[test]
fn cycles_within_a_top_level_module_count_between_files_only() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "mod child; pub use child::Child; pub struct A;"),
        ("src/a/child.rs", "use super::A; use crate::b::B; pub struct Child;"),
        ("src/b.rs", "pub struct B;"),
    ];
    assert!(found(CycleScope::TopLevel, &files).is_empty());
    let expected = "src/a.rs -> src/a/child.rs -> src/a.rs
    src/a.rs:1: child::Child
    src/a/child.rs:1: super::A";
    assert_eq!(found(CycleScope::File, &files), [expected]);
}

#[test]
fn imports_that_run_one_way_are_no_cycle() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::{b::B, c::C};"),
        ("src/b.rs", "use crate::c::C; pub struct B;"),
        ("src/c.rs", "pub struct C;"),
    ];
    assert!(found(CycleScope::TopLevel, &files).is_empty());
}
