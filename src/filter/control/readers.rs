//! Read tokens, which permit to read the full status.

use std::cell::RefCell;

use super::error::ControlError;
use super::token::{check_signature, parse, payload};
use crate::policy::Key;
use crate::protocol::ErrorCode;
use crate::request::Request;
use crate::state::Digest;
use crate::state::jws::READ_TYP;
use crate::time::Time;
use crate::tree::{Fields, KeyPath, Tree, fields};

/// The longest validity of a read token, in seconds.
const MAX_READ: i64 = 5 * 60;
/// The longest read token, in bytes.
const MAX_TOKEN: usize = 2048;
/// The largest number of verified read tokens that a worker remembers.
const MAX_READERS: usize = 64;

thread_local! {
    /// The digests of verified read tokens with their fleets, and their expiry in seconds since the epoch.
    static READERS: RefCell<Vec<(Digest, i64)>> = const { RefCell::new(Vec::new()) };
}

/// Checks that a token permits to read the full status of `fleet`.
pub fn check(keys: &[Key], bytes: &[u8], request: &Request<'_>, fleet: &str, now: Time) -> Result<(), ControlError> {
    if bytes.len() > MAX_TOKEN {
        return Err(ControlError::too_large(format!("a read token has at most {MAX_TOKEN} bytes")));
    }
    let seconds = now.0 / 1000;
    let digest = Digest::of(&[fleet.as_bytes(), b"\n", bytes].concat());
    let known = READERS.with_borrow(|readers| readers.iter().any(|(known, exp)| *known == digest && *exp > seconds));
    if known {
        return Ok(());
    }
    let token = parse(bytes, READ_TYP)?;
    let key = keys.iter().find(|key| key.kid == token.kid).ok_or_else(ControlError::unknown_key)?;
    let claims = Claims::read(&payload(&token, request, now)?);
    let Claims { fleet: token_fleet, iat, exp } =
        claims.ok_or_else(|| ControlError::malformed("a read token has fleet, iat and exp"))?;
    if exp <= seconds || exp.saturating_sub(iat) > MAX_READ || iat > seconds + MAX_READ {
        let detail = format!("a read token lasts five minutes at most; Envoy's clock says {now}");
        return Err(ControlError::new(ErrorCode::Expired, detail));
    }
    check_signature(&token, key, request, now)?;
    if token_fleet != fleet {
        return Err(ControlError::not_permitted(format!("made for the fleet \"{token_fleet}\", not \"{fleet}\"")));
    }
    READERS.with_borrow_mut(|readers| {
        readers.retain(|(_, exp)| *exp > seconds);
        if readers.len() >= MAX_READERS {
            readers.clear();
        }
        readers.push((digest, exp));
    });
    Ok(())
}

/// The claims of a read token. Times are in seconds since the epoch.
struct Claims {
    fleet: String,
    iat: i64,
    exp: i64,
}

impl Claims {
    fn read(payload: &[u8]) -> Option<Claims> {
        let tree = Tree::from_json(payload).ok()?;
        let mut members = Fields::of(&tree, &KeyPath::Root).ok()?;
        let fleet = members.required("fleet", fields::text).ok()?;
        let iat = members.required("iat", fields::integer).ok()?;
        Some(Claims { fleet, iat, exp: members.required("exp", fields::integer).ok()? })
    }
}
