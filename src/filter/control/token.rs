//! Tokens that clients send: documents and read tokens. Each source address may have a share of all signatures checked.

use super::error::ControlError;
use crate::filter::worker;
use crate::policy::Key;
use crate::protocol::ErrorCode;
use crate::request::Request;
use crate::state::jws::{Token, TokenError};
use crate::time::Time;

/// Parses the header of a token of this type.
pub fn parse<'t>(bytes: &'t [u8], typ: &str) -> Result<Token<'t>, ControlError> {
    Token::parse(bytes, typ).map_err(|error| match error {
        TokenError::TooLarge => ControlError::too_large(error.to_string()),
        TokenError::Algorithm => ControlError::new(ErrorCode::BadSignature, error.to_string()),
        _ => ControlError::malformed(error.to_string()),
    })
}

/// The payload of a token, if the sender may still have a signature checked.
pub fn payload(token: &Token<'_>, request: &Request<'_>, now: Time) -> Result<Vec<u8>, ControlError> {
    if !worker::with(|worker| worker.signatures().is_left(request.peer.remote_address(), now)) {
        return Err(ControlError::busy());
    }
    token.payload().map_err(|error| ControlError::malformed(error.to_string()))
}

/// Checks the signature of a token, if the sender may still have one checked.
pub fn check_signature(token: &Token<'_>, key: &Key, request: &Request<'_>, now: Time) -> Result<(), ControlError> {
    if !worker::with(|worker| worker.signatures().take(request.peer.remote_address(), now)) {
        return Err(ControlError::busy());
    }
    token.verify(&key.public).map_err(|_| {
        ControlError::new(ErrorCode::BadSignature, format!("not the signature of the key \"{}\"", key.name))
    })
}
