//! Why the control endpoint refuses a request, as problem+json (RFC 9457).

use super::json_reply;
use crate::filter::host::HostError;
use crate::filter::json::Object;
use crate::reply::LocalReply;
use crate::state::Document;

/// Why a request was refused.
pub struct Problem {
    pub status: u32,
    pub code: &'static str,
    pub detail: String,
    /// The document that holds, as JSON.
    current: Option<String>,
    allow: Option<&'static str>,
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Problem {
        Problem::new(500, "host_error", error.to_string())
    }
}

impl Problem {
    pub fn new(status: u32, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into(), current: None, allow: None }
    }

    pub fn method(allow: &'static str) -> Problem {
        Problem { allow: Some(allow), ..Problem::new(405, "method_not_allowed", format!("only {allow}")) }
    }

    pub fn no_such_path() -> Problem {
        Problem::new(404, "not_found", "no such path")
    }

    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(400, "malformed_document", detail)
    }

    pub fn not_permitted(detail: impl Into<String>) -> Problem {
        Problem::new(401, "not_permitted", detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Problem {
        Problem::new(413, "too_large", detail)
    }

    pub fn unknown_key() -> Problem {
        Problem::new(401, "unknown_key", "signed by a key that no policy of this fleet has")
    }

    pub fn busy() -> Problem {
        Problem::new(429, "busy", "too many signatures to check this second; try again")
    }

    /// The same, naming the document that holds.
    pub fn with_current(self, current: Option<&Document>) -> Problem {
        let current = current.map(|document| {
            let mut object = Object::new();
            object.number("revision", document.stamp.revision);
            object.text("digest", Some(&document.stamp.digest.to_string()));
            object.text("mode", Some(document.mode.name()));
            object.end()
        });
        Problem { current: Some(current.unwrap_or_else(|| "null".to_owned())), ..self }
    }

    pub fn reply(&self) -> LocalReply {
        let mut body = Object::new();
        body.text("title", Some(&self.code.replace('_', " ")));
        body.number("status", self.status.into());
        body.text("code", Some(self.code));
        body.text("detail", Some(&self.detail));
        if let Some(current) = &self.current {
            body.raw("current", current);
        }
        let allow: Vec<_> = self.allow.map(|allow| ("allow", allow)).into_iter().collect();
        json_reply(self.status, "application/problem+json", body.end(), &allow)
    }
}
