//! A library for LD_PRELOAD that changes the clock, host names and terminals of a process, or kills it at a certain
//! call. Its source is `preload_library.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::project;

/// Compiles the library.
pub fn library(folder: &Path) -> PathBuf {
    let file = folder.join("preload.so");
    let source = project().join("tests/e2e/support/preload_library.rs");
    let arguments = ["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"];
    let status = Command::new("rustc").args(arguments).arg(&file).arg(source).current_dir(project()).status().unwrap();
    assert!(status.success());
    file
}

/// A clock that is ahead, for the processes that get its [`environment`](Ahead::environment).
pub struct Ahead {
    folder: TempDir,
}

impl Ahead {
    /// A clock that is ahead by this number of seconds, or behind if it is negative.
    pub fn by(seconds: i64) -> Ahead {
        let ahead = Ahead { folder: TempDir::new().unwrap() };
        library(ahead.folder.path());
        ahead.set(seconds);
        ahead
    }

    /// The environment variables that set the clock of a process ahead.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let variables = [("LD_PRELOAD", file("preload.so")), ("SECONDS_AHEAD_FILE", file("ahead"))];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Sets the clock of all these processes.
    pub fn set(&self, seconds: i64) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(next, self.folder.path().join("ahead")).unwrap();
    }

    /// Corrects the clock of all these processes.
    pub fn end(&self) {
        self.set(0);
    }
}
