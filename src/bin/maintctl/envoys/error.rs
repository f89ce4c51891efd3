//! The errors of one Envoy.

use std::fmt;
use std::thread;

use envoy_maintenance::protocol::ErrorCode;

/// The most characters of an Envoy's name, and of what it says of a refusal.
pub const WORDS: usize = 1000;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvoyError {
    /// No answer.
    Unreachable(String),
    /// An answer that no control endpoint gives.
    Unexpected(String),
    /// The address answers as another Envoy than before.
    SharedAddress(String),
    /// The Envoy refuses, with a code and its own words.
    Refused { code: String, detail: String },
}

impl EnvoyError {
    /// Whether the document was made from one that is no longer the current one.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::Conflict | ErrorCode::StaleRevision))
    }

    pub fn is_busy(&self) -> bool {
        self.code() == Some(ErrorCode::Busy)
    }

    /// The code of a refusal, if this version knows it.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            EnvoyError::Refused { code, .. } => ErrorCode::parse(code),
            _ => None,
        }
    }
}

impl fmt::Display for EnvoyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvoyError::Unreachable(text) | EnvoyError::Unexpected(text) | EnvoyError::SharedAddress(text) => {
                formatter.write_str(text)
            }
            EnvoyError::Refused { code, detail } if detail.is_empty() => formatter.write_str(code),
            EnvoyError::Refused { code, detail } => write!(formatter, "{code}: {detail}"),
        }
    }
}

/// The trouble of an address that answers as two Envoys.
pub fn another(first: &str, second: &str) -> EnvoyError {
    EnvoyError::SharedAddress(format!(
        "answers first as {first}, then as {second}: a load balancer in place of the Envoys, or an Envoy that has \
         restarted just now. Put each Envoy's own address into `envoys`, or a name that resolves to all of them, such \
         as that of a headless service"
    ))
}

/// The trouble of an address that answers, but not as a control endpoint.
pub fn no_endpoint(answer: &str) -> EnvoyError {
    EnvoyError::Unexpected(format!(
        "answers {answer}; is this the control endpoint, and does the URL end in the policy's `control.path_prefix`?"
    ))
}

/// What an operator can do about a refusal of the key.
pub fn explained(trouble: EnvoyError) -> EnvoyError {
    let EnvoyError::Refused { code, detail } = trouble else {
        return trouble;
    };
    let advice = match ErrorCode::parse(&code) {
        Some(ErrorCode::UnknownKey) => {
            "put this key's public JWK, which `maintctl init` prints, into `keys` of the policy".to_owned()
        }
        Some(ErrorCode::BadSignature) => "the policy has another key under this key's id; put the JWK that `maintctl init` prints \
                            into `keys` of the policy"
            .to_owned(),
        Some(ErrorCode::NotPermitted) => "`sites`, `may` or the fleet of this key in the policy do not allow it; look at `keys` and \
                            `fleet` there and at `fleet` in maintctl.toml"
            .to_owned(),
        Some(ErrorCode::TooOld) if detail.contains(" ahead of ") => {
            "it continues a document that was made while clocks were ahead; an Envoy that has lost that one takes it only \
             then. A target of its own for that Envoy can be changed at once"
                .to_owned()
        }
        Some(ErrorCode::TooOld | ErrorCode::Expired) => {
            format!("this machine's clock says {:.0}; set the wrong one right", jiff::Timestamp::now())
        }
        _ => return EnvoyError::Refused { code, detail },
    };
    let detail = if detail.is_empty() { advice } else { format!("{detail} ({advice})") };
    EnvoyError::Refused { code, detail }
}

/// The answer of a thread; one that panicked is as good as one that could not be reached.
pub fn joined<T>(answer: thread::Result<Result<T, EnvoyError>>) -> Result<T, EnvoyError> {
    answer.unwrap_or_else(|_| Err(EnvoyError::Unexpected("maintctl failed while it asked".to_owned())))
}
