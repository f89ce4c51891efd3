//! Envoys that could not be asked or have not adopted a change, with the reasons.

use serde_json::{Value, json};

use crate::envoys::error::EnvoyError;
use crate::terminal::output::shown;

/// An Envoy, an address or a host name, and its error.
#[derive(Clone, Debug)]
pub struct EnvoyFailure {
    pub name: String,
    pub error: EnvoyError,
}

impl EnvoyFailure {
    pub fn new(name: impl ToString, error: EnvoyError) -> EnvoyFailure {
        EnvoyFailure { name: name.to_string(), error }
    }

    /// The name and the error as one line.
    pub fn line(&self) -> String {
        shown(&format!("{}: {}", self.name, self.error))
    }
}

/// One indented line for each failure, each after a line break.
pub fn lines(failures: &[EnvoyFailure]) -> String {
    failures.iter().map(|failure| format!("\n  {}", failure.line())).collect()
}

/// The failures as a JSON list.
pub fn json(failures: &[EnvoyFailure]) -> Value {
    failures.iter().map(|failure| json!({ "envoy": failure.name, "why": failure.error.to_string() })).collect()
}

/// Adds the member `unreached` to a JSON object if there are any.
pub fn with_unreached(mut object: Value, unreached: &[EnvoyFailure]) -> Value {
    if let (false, Value::Object(members)) = (unreached.is_empty(), &mut object) {
        members.insert("unreached".to_owned(), json(unreached));
    }
    object
}
