//! A process with another clock, other names and terminals, or one that dies at a certain call: a library that the loader
//! puts before libc sees to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::project;

/// Builds the library.
pub fn library(folder: &Path) -> PathBuf {
    let file = folder.join("preload.so");
    let source = project().join("tests/e2e/support/preload_library.rs");
    let arguments = ["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"];
    let status = Command::new("rustc").args(arguments).arg(&file).arg(source).current_dir(project()).status().unwrap();
    assert!(status.success());
    file
}
