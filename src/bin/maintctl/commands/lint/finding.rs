//! Findings of `maintctl lint`.

use serde_json::{Value, json};

/// How much a finding matters.
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

/// What is wrong, where, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// The key path.
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

    pub fn line(&self, file: &str) -> String {
        let colon = if self.path.is_empty() { "" } else { ": " };
        format!("{file}: {}{colon}{}", self.path, self.text)
    }

    /// The finding as JSON.
    pub fn json(&self, file: &str) -> Value {
        json!({ "file": file, "path": self.path, "level": self.level.name(), "text": self.text })
    }
}
