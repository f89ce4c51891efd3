//! The findings of `maintctl lint`.

use crate::config::source_map::Location;
use crate::diagnosis::remark::Severity;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    pub level: Severity,
    /// The problem as one sentence, without its full stop.
    pub summary: &'static str,
}

impl Code {
    /// A finding of this kind about the value at a key path; an empty path means the whole document.
    pub fn at(&'static self, path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { code: self, file: String::new(), location: None, path: path.into(), text: text.into() }
    }
}

/// One problem, its place, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static Code,
    pub file: String,
    /// `None` if the file cannot be read.
    pub location: Option<Location>,
    /// The key path; empty for the whole document.
    pub path: String,
    pub text: String,
}

impl Finding {
    /// The line and the column, counted from 1.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.location.map(|location| (location.position.line, location.position.column))
    }

    /// The key path and the text.
    pub fn message(&self) -> String {
        let colon = if self.path.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", self.path, self.text)
    }
}
