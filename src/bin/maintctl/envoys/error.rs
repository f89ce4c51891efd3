//! The errors of one Envoy.

use std::fmt;

use envoy_maintenance::protocol::ErrorCode;

/// The maximum length of an Envoy's name and of its error messages, in characters.
pub const MAX_TEXT: usize = 1000;

/// The reason why a request to an Envoy failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvoyError {
    /// There was no response.
    Unreachable(String),
    /// The response is not one of a control endpoint, or not the expected one.
    Unexpected(String),
    /// Several Envoys respond at this address.
    SharedAddress(String),
    /// The control endpoint rejected the request, with this error code and message.
    Rejected { code: String, detail: String },
}

impl EnvoyError {
    /// An address at which `first` and then `second` responded.
    pub fn shared_address(first: &str, second: &str) -> EnvoyError {
        EnvoyError::SharedAddress(format!(
            "{first} and {second} respond at this address, so it belongs to a load balancer, or Envoy has restarted just \
             now. List the address of each Envoy in `envoys`, or a name that resolves to all of them, such as that of a \
             headless service"
        ))
    }

    /// A response that no control endpoint gives.
    pub fn no_endpoint(response: &str) -> EnvoyError {
        EnvoyError::Unexpected(format!(
            "responds {response}; is this the control endpoint, and does the URL end in the policy's \
             `control.path_prefix`?"
        ))
    }

    /// True if the document was based on one that is no longer the current one.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::Conflict | ErrorCode::StaleRevision))
    }

    /// The error of a request without a response.
    pub fn timeout() -> EnvoyError {
        EnvoyError::Unreachable("no response in time".to_owned())
    }

    pub fn is_busy(&self) -> bool {
        self.code() == Some(ErrorCode::Busy)
    }

    /// The error code of a rejection, if this version knows it.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            EnvoyError::Rejected { code, .. } => ErrorCode::parse(code),
            _ => None,
        }
    }

    /// Adds advice to a rejection that an operator can resolve.
    pub fn with_advice(self) -> EnvoyError {
        let known = self.code();
        let EnvoyError::Rejected { code, detail } = self else {
            return self;
        };
        let advice = match known {
            Some(ErrorCode::UnknownKey) => "add the JWK that `maintctl init` prints to `keys` of the policy".to_owned(),
            Some(ErrorCode::BadSignature) => {
                "the policy has another key with this key's id; replace it with the JWK that \
                                `maintctl init` prints"
                    .to_owned()
            }
            Some(ErrorCode::NotPermitted) => {
                "the policy does not permit it; compare the key's `sites` and `may`, and `fleet`, with \
                                maintctl.toml"
                    .to_owned()
            }
            Some(ErrorCode::TooOld) if detail.contains(" ahead of ") => {
                "the document succeeds one that was created with a clock ahead; an Envoy without that one accepts it \
                 only at that time. To change that Envoy now, give it a target of its own"
                    .to_owned()
            }
            Some(ErrorCode::TooOld | ErrorCode::Expired) => {
                format!("this machine's clock says {:.0}; correct the clock that is wrong", jiff::Timestamp::now())
            }
            _ => return EnvoyError::Rejected { code, detail },
        };
        let detail = if detail.is_empty() { advice } else { format!("{detail} ({advice})") };
        EnvoyError::Rejected { code, detail }
    }
}

impl fmt::Display for EnvoyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvoyError::Unreachable(text) | EnvoyError::Unexpected(text) | EnvoyError::SharedAddress(text) => {
                formatter.write_str(text)
            }
            EnvoyError::Rejected { code, detail } if detail.is_empty() => formatter.write_str(code),
            EnvoyError::Rejected { code, detail } => write!(formatter, "{code}: {detail}"),
        }
    }
}
