//! The responses of endpoints, limited in size, and their errors.

use std::io::{ErrorKind, Read};

use envoy_maintenance::protocol::{ErrorCode, Problem};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::envoys::error::{EnvoyError, MAX_TEXT};

/// The maximum size of a decompressed response in bytes: four times that of a thousand sites with full documents.
const MAX_BYTES: u64 = 64 << 20;
/// The maximum number of JSON values in a response. Each needs more memory than its bytes.
const MAX_VALUES: usize = 4 << 20;

/// The header of the refusals of a closed site.
const MODE: &str = "x-maintenance-mode";

/// The JSON body of a successful response, or the error.
pub fn body(response: Result<Response<Body>, ureq::Error>) -> Result<Value, EnvoyError> {
    let mut response = response.map_err(|error| unreachable(&error))?;
    let status = response.status();
    let text = read(response.body_mut())?;
    let value: Option<Value> = serde_json::from_slice(&text).ok();
    let problem: Option<Problem> = value.as_ref().and_then(|value| Problem::deserialize(value).ok());
    let shortened = |text: &str| text.chars().take(MAX_TEXT).collect::<String>();
    match (status.is_success(), problem) {
        (true, _) => value.ok_or_else(|| {
            EnvoyError::Unexpected("its response is not JSON; is this the control endpoint?".to_owned())
        }),
        (false, Some(Problem { code, detail })) => {
            Err(EnvoyError::Rejected { code: shortened(&code), detail: shortened(&detail) })
        }
        // The response of Envoy's own rate limits has no code.
        (false, None) if status.as_u16() == 429 => Err(EnvoyError::Rejected {
            code: ErrorCode::Busy.name().to_owned(),
            detail: "too many requests".to_owned(),
        }),
        (false, None) if response.headers().contains_key(MODE) => Err(EnvoyError::Unexpected(format!(
            "responds {} for a closed site, so this is the listener of visitors; write the URL of the control endpoint, on the \
             control listener",
            status.as_u16()
        ))),
        (false, None) if status.is_server_error() => {
            Err(EnvoyError::Unexpected(format!("responds {}; see its log", status.as_u16())))
        }
        (false, None) => Err(EnvoyError::no_endpoint(status.as_str())),
    }
}

/// Reads a body. ureq's own limit counts compressed bytes.
fn read(body: &mut Body) -> Result<Vec<u8>, EnvoyError> {
    let mut bytes = Vec::new();
    let read = body.as_reader().take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreachable(&ureq::Error::from(error)))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(EnvoyError::Unexpected(format!("its response is longer than {} MiB", MAX_BYTES >> 20)));
    }
    if values(&bytes) > MAX_VALUES {
        return Err(EnvoyError::Unexpected("its response has too many values".to_owned()));
    }
    Ok(bytes)
}

/// An upper bound of the number of values in a JSON text.
fn values(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

fn unreachable(error: &ureq::Error) -> EnvoyError {
    match error {
        ureq::Error::Timeout(_) => EnvoyError::timeout(),
        error => EnvoyError::Unreachable(describe(error)),
    }
}

fn describe(error: &ureq::Error) -> String {
    let inner = match error {
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        ureq::Error::Rustls(error) => Some(error),
        _ => None,
    };
    match (inner, error) {
        (Some(error), _) => describe_tls(error),
        (None, ureq::Error::ConnectionFailed) => "cannot connect".to_owned(),
        (None, ureq::Error::Io(error)) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => CLOSED.to_owned(),
            _ => error.to_string(),
        },
        (None, error) => error.to_string(),
    }
}

/// The message for a connection that the listener closed.
pub const CLOSED: &str = "closed the connection";

/// A TLS error, with the fields of the target that it concerns.
fn describe_tls(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, Error};
    let advice = match error {
        Error::InvalidCertificate(_) => "; set `ca` of the target to the authority that issued the certificate",
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "; the listener requires a client certificate: set `cert` and `cert_key` of the target"
        }
        Error::InvalidMessage(_) => return "the listener does not use TLS; its URL begins with http".to_owned(),
        Error::AlertReceived(_) => "; the listener may not accept `cert` of the target",
        _ => "",
    };
    format!("{error}{advice}")
}
