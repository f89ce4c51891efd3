//! The findings of `maintctl lint`.

use serde_json::{Value, json};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// One problem, its key path, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// The key path; empty for the whole file.
    pub path: String,
    pub text: String,
}

impl Finding {
    pub fn error(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Error, path: path.into(), text: text.into() }
    }

    pub fn warning(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, path: path.into(), text: text.into() }
    }

    pub fn note(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Note, path: path.into(), text: text.into() }
    }

    /// The finding as one line, without its level.
    pub fn line(&self, file: &str) -> String {
        let colon = if self.path.is_empty() { "" } else { ": " };
        format!("{file}: {}{colon}{}", self.path, self.text)
    }

    /// The finding as JSON.
    pub fn json(&self, file: &str) -> Value {
        json!({ "file": file, "path": self.path, "level": self.level.name(), "text": self.text })
    }
}
