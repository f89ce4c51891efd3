//! The refusal of a request to the control endpoint.

use super::reply::json_reply;
use crate::filter::host::HostError;
use crate::json::Object;
use crate::protocol::{ErrorCode, Problem};
use crate::reply::LocalReply;
use crate::state::Document;

/// A reason for which a request is refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail:?}", code.name())]
pub struct ControlError {
    pub code: ErrorCode,
    detail: String,
    /// The current document as JSON, if the client must know it.
    current: Option<String>,
    /// The methods that the path supports, if the client used another one.
    allow: Option<&'static str>,
}

impl From<HostError> for ControlError {
    fn from(error: HostError) -> ControlError {
        ControlError::new(ErrorCode::HostError, error.to_string())
    }
}

impl ControlError {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> ControlError {
        ControlError { code, detail: detail.into(), current: None, allow: None }
    }

    pub fn method(allow: &'static str) -> ControlError {
        let error = ControlError::new(ErrorCode::MethodNotAllowed, format!("only {allow}"));
        ControlError { allow: Some(allow), ..error }
    }

    pub fn no_such_path() -> ControlError {
        ControlError::new(ErrorCode::NotFound, "no such path")
    }

    pub fn malformed(detail: impl Into<String>) -> ControlError {
        ControlError::new(ErrorCode::MalformedDocument, detail)
    }

    pub fn not_permitted(detail: impl Into<String>) -> ControlError {
        ControlError::new(ErrorCode::NotPermitted, detail)
    }

    pub fn too_large(detail: impl Into<String>) -> ControlError {
        ControlError::new(ErrorCode::TooLarge, detail)
    }

    pub fn unknown_key() -> ControlError {
        ControlError::new(ErrorCode::UnknownKey, "signed by a key that no policy of this fleet has")
    }

    pub fn busy() -> ControlError {
        ControlError::new(ErrorCode::Busy, "too many signatures to check this second; try again")
    }

    /// Adds the current document to the answer.
    pub fn with_current(self, current: Option<&Document>) -> ControlError {
        let current = current.map(|document| {
            let mut object = Object::default();
            object.number("revision", document.stamp.revision);
            object.text("digest", Some(&document.stamp.digest.to_string()));
            object.text("mode", Some(document.mode.name()));
            object.end()
        });
        ControlError { current: Some(current.unwrap_or_else(|| "null".to_owned())), ..self }
    }

    pub fn reply(&self) -> LocalReply {
        let body = Problem::to_json(self.code, &self.detail, self.current.as_deref());
        let allow: Vec<_> = self.allow.map(|allow| ("allow", allow)).into_iter().collect();
        json_reply(self.code.status(), "application/problem+json", body, &allow)
    }
}
