//! Checks of the structure of the sources that the compiler and Clippy do not make. `make lint` runs them.
//!
//! - Imports run one way: there is no import cycle between the top-level modules of `src/`, between the files of
//!   `src/filter/`, or between the files of `src/bin/maintctl/` ([`cycles`], [`imports`], [`modules`]).
//! - Only `src/filter/` names `proxy_wasm` and declares foreign functions, no module imports `filter`, and only `src/lib.rs`
//!   distinguishes targets ([`host`]).
//! - A type name is declared once in `src/` and `tests/` ([`names`]).
//! - Unit tests are in `foo/tests.rs`, and no condition is itself an `if` ([`form`]).
//! - The wasm module has none of the dependencies of the command-line tool ([`dependencies`]).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod cycles;
mod dependencies;
mod form;
mod host;
mod imports;
mod modules;
mod names;
mod sources;

use imports::{CycleScope, Import};
use modules::SourceCrate;
use sources::Sources;

const LIBRARY: &str = "src/lib.rs";
const MAINTCTL: &str = "src/bin/maintctl/main.rs";

fn library() -> Vec<Import> {
    imports::imports(&SourceCrate::read(&Sources::of_repository(), LIBRARY))
}

/// Fails with all problems, one below the other.
fn assert_none(rule: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{rule}\n\n{}\n", problems.join("\n"));
}

#[test]
fn top_level_modules_import_one_way() {
    let found = cycles::cycles(&library(), |module| Some(CycleScope::TopLevel.of(module)));
    assert_none("the top-level modules of src/ must not import each other in a cycle:", &found);
}

#[test]
fn files_of_the_filter_import_one_way() {
    let found = cycles::cycles(&library(), |module| module.is_in("filter").then(|| CycleScope::File.of(module)));
    assert_none("the files of src/filter/ must not import each other in a cycle:", &found);
}

#[test]
fn files_of_maintctl_import_one_way() {
    let imports = imports::imports(&SourceCrate::read(&Sources::of_repository(), MAINTCTL));
    let found = cycles::cycles(&imports, |module| Some(CycleScope::File.of(module)));
    assert_none("the files of src/bin/maintctl/ must not import each other in a cycle:", &found);
}

#[test]
fn no_module_imports_the_filter() {
    assert_none("only src/filter/ may import from the module `filter`:", &host::imports_of_filter(&library()));
}

#[test]
fn only_the_filter_names_its_host() {
    assert_none(
        "only src/filter/ may name proxy_wasm or declare foreign functions, and only src/lib.rs may name target_arch:",
        &host::names(&Sources::of_repository()),
    );
}

#[test]
fn type_names_are_unique() {
    assert_none(
        "a type name must be declared once in src/ and tests/:",
        &names::declared_twice(&Sources::of_repository()),
    );
}

#[test]
fn unit_tests_are_in_their_own_files() {
    assert_none(
        "unit tests of src/foo.rs belong in src/foo/tests.rs:",
        &form::misplaced_tests(&Sources::of_repository()),
    );
}

#[test]
fn no_condition_is_an_if() {
    assert_none(
        "the condition of an `if` must not be an `if` itself:",
        &form::nested_conditions(&Sources::of_repository()),
    );
}

#[test]
fn the_module_has_no_dependency_of_the_command_line_tool() {
    assert_none("these dependencies of maintctl are also built into the module:", &dependencies::shared_with_module());
}
