//! Envoys that could not be asked or have not followed, with the reason for each.

use serde_json::{Value, json};

use crate::envoys::error::EnvoyError;
use crate::terminal::output::shown;

/// An address or a name with nobody behind it that can be asked.
#[derive(Clone, Debug)]
pub struct EnvoyFailure {
    pub name: String,
    /// The URL, where this is an address of it that is this machine itself.
    pub loopback_of: Option<String>,
    pub error: EnvoyError,
}

impl EnvoyFailure {
    /// An Envoy, or a name, that something is the matter with.
    pub fn new(name: impl ToString, error: EnvoyError) -> EnvoyFailure {
        EnvoyFailure { name: name.to_string(), loopback_of: None, error }
    }

    /// The name and the trouble as one line.
    pub fn line(&self) -> String {
        shown(&format!("{}: {}", self.name, self.error))
    }
}

/// One indented line for each.
pub fn missing_lines(missing: &[EnvoyFailure]) -> String {
    missing.iter().map(|missing| format!("\n  {}", missing.line())).collect()
}

/// Who cannot be asked, as members of an answer in JSON.
pub fn missing_json(missing: &[EnvoyFailure]) -> Value {
    missing.iter().map(|missing| json!({ "envoy": missing.name, "why": missing.error.to_string() })).collect()
}

/// An answer in JSON, with what was found where there is something.
pub fn told(mut answer: Value, unreached: &[EnvoyFailure]) -> Value {
    if let (false, Value::Object(members)) = (unreached.is_empty(), &mut answer) {
        members.insert("unreached".to_owned(), missing_json(unreached));
    }
    answer
}
