//! The answers of endpoints: how much of them is read, and what is wrong with them.

use std::io::Read;

use envoy_maintenance::protocol::{ErrorCode, Problem};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::envoys::error::{EnvoyError, WORDS, no_endpoint};

/// The most bytes of one answer, decompressed: a thousand sites with their documents have a quarter of it.
const ANSWER: u64 = 64 << 20;
/// The most values of one answer: each takes more memory than bytes.
const VALUES: usize = 4 << 20;
/// The JSON of a good answer, or what is wrong.
pub fn body(answer: Result<Response<Body>, ureq::Error>) -> Result<Value, EnvoyError> {
    let mut response = answer.map_err(|error| EnvoyError::Unreachable(plain(&error)))?;
    let status = response.status();
    let text = read(response.body_mut())?;
    let value: Option<Value> = serde_json::from_slice(&text).ok();
    let problem: Option<Problem> = value.as_ref().and_then(|value| Problem::deserialize(value).ok());
    let words = |text: &str| text.chars().take(WORDS).collect::<String>();
    match (status.is_success(), problem) {
        (true, _) => value
            .ok_or_else(|| EnvoyError::Unexpected("its answer is not JSON; is this the control endpoint?".to_owned())),
        (false, Some(Problem { code, detail })) => {
            Err(EnvoyError::Refused { code: words(&code), detail: words(&detail) })
        }
        // Envoy's own rate limits say no more.
        (false, None) if status.as_u16() == 429 => {
            Err(EnvoyError::Refused { code: ErrorCode::Busy.name().to_owned(), detail: "too many requests".to_owned() })
        }
        (false, None) if status.is_server_error() => {
            Err(EnvoyError::Unexpected(format!("answers {}; its log says why", status.as_u16())))
        }
        (false, None) => Err(no_endpoint(status.as_str())),
    }
}

/// The bytes of an answer. ureq's own limit counts them before they are decompressed.
fn read(body: &mut Body) -> Result<Vec<u8>, EnvoyError> {
    let mut bytes = Vec::new();
    let read = body.as_reader().take(ANSWER + 1).read_to_end(&mut bytes);
    read.map_err(|error| EnvoyError::Unreachable(plain(&ureq::Error::from(error))))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= ANSWER && values(&bytes) <= VALUES => Ok(bytes),
        Ok(length) if length <= ANSWER => Err(EnvoyError::Unexpected("its answer holds too many values".to_owned())),
        _ => Err(EnvoyError::Unexpected(format!("its answer is longer than {} MiB", ANSWER >> 20))),
    }
}

fn plain(error: &ureq::Error) -> String {
    let inner = match error {
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        ureq::Error::Rustls(error) => Some(error),
        _ => None,
    };
    if let Some(error) = inner {
        return tls(error);
    }
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::ConnectionFailed => "cannot connect".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => {
                "closed the connection".to_owned()
            }
            _ => error.to_string(),
        },
        error => error.to_string(),
    }
}

/// The most values that a JSON text can have.
fn values(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

/// A TLS error, with the keys of the target that it concerns.
fn tls(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, Error};
    let advice = match error {
        Error::InvalidCertificate(_) => "; it must be vouched for by `ca` of the target, or else by a public authority",
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "; it asks for a certificate: `cert` and `cert_key` of the target"
        }
        Error::AlertReceived(_) => "; perhaps it does not take the `cert` of the target",
        _ => "",
    };
    format!("{error}{advice}")
}
