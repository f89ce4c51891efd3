//! The reasons for which the control endpoint refuses a request.

/// A reason with its name in answers and its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The document or token cannot be read, or is about another site.
    MalformedDocument,
    /// The document needs a feature that this filter does not have.
    Unsupported,
    /// No policy of the fleet has the key that signed the document.
    UnknownKey,
    /// The signature does not belong to the document, or its algorithm is not allowed.
    BadSignature,
    /// The key may not sign this, or it was signed for another fleet.
    NotPermitted,
    /// The read token is no longer valid, or is valid for too long.
    Expired,
    /// The document was signed too long ago, or too far in the future.
    TooOld,
    /// No policy of the fleet has the site.
    UnknownSite,
    /// The path does not exist.
    NotFound,
    /// The path does not support the method.
    MethodNotAllowed,
    /// The current document is newer.
    StaleRevision,
    /// The policy declares the state of the site.
    Declared,
    /// The current document does not meet the condition of the request.
    Conflict,
    /// The document or token is too large.
    TooLarge,
    /// The endpoint has no time for the request now.
    Busy,
    /// Envoy refused a call of the filter.
    HostError,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [ErrorCode; 16] = [
        ErrorCode::MalformedDocument,
        ErrorCode::Unsupported,
        ErrorCode::UnknownKey,
        ErrorCode::BadSignature,
        ErrorCode::NotPermitted,
        ErrorCode::Expired,
        ErrorCode::TooOld,
        ErrorCode::UnknownSite,
        ErrorCode::NotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::StaleRevision,
        ErrorCode::Declared,
        ErrorCode::Conflict,
        ErrorCode::TooLarge,
        ErrorCode::Busy,
        ErrorCode::HostError,
    ];

    /// The name in answers, and the HTTP status.
    const fn entry(self) -> (&'static str, u32) {
        match self {
            ErrorCode::MalformedDocument => ("malformed_document", 400),
            ErrorCode::Unsupported => ("unsupported", 400),
            ErrorCode::UnknownKey => ("unknown_key", 401),
            ErrorCode::BadSignature => ("bad_signature", 401),
            ErrorCode::NotPermitted => ("not_permitted", 401),
            ErrorCode::Expired => ("expired", 401),
            ErrorCode::TooOld => ("too_old", 401),
            ErrorCode::UnknownSite => ("unknown_site", 404),
            ErrorCode::NotFound => ("not_found", 404),
            ErrorCode::MethodNotAllowed => ("method_not_allowed", 405),
            ErrorCode::StaleRevision => ("stale_revision", 409),
            ErrorCode::Declared => ("declared", 409),
            ErrorCode::Conflict => ("conflict", 412),
            ErrorCode::TooLarge => ("too_large", 413),
            ErrorCode::Busy => ("busy", 429),
            ErrorCode::HostError => ("host_error", 500),
        }
    }

    /// The name in answers.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// The HTTP status.
    pub fn status(self) -> u32 {
        self.entry().1
    }

    /// The code with this name.
    pub fn parse(name: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.into_iter().find(|code| code.name() == name)
    }
}
