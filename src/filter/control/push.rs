//! Accepts pushed documents into the register.
//!
//! Until its signature is checked, a document costs little: only its size, its key id and its time are read.

use super::error::ControlError;
use super::token::{check_signature, parse, payload};
use crate::filter::directory::{self, Directory};
use crate::filter::root::Root;
use crate::filter::{documents, host, stats};
use crate::policy::{Key, Permission};
use crate::protocol::{Accepted, CONDITION_HEADER, DOCUMENT_HEADER, ErrorCode, meets_condition};
use crate::request::Request;
use crate::state::jws::{STATE_TYP, Token};
use crate::state::{Document, DocumentError, Head, MAX_DOCUMENT, Stamp};
use crate::time::Time;

/// Attempts to write a site that other threads write at the same time.
const ATTEMPTS: u32 = 100;

/// Accepts the document of the request for the site `name`.
pub fn put_site(root: &Root, request: &Request<'_>, name: &str) -> Result<String, ControlError> {
    let (fleet, now) = (root.fleet(), host::now()?);
    let directory = Directory::of(fleet)?;
    let site = directory.sites.iter().find(|site| site.name == name).ok_or_else(|| {
        ControlError::new(ErrorCode::UnknownSite, format!("no policy of this fleet has a site \"{name}\""))
    })?;
    let bytes = request
        .headers
        .first(DOCUMENT_HEADER)
        .ok_or_else(|| ControlError::malformed(format!("the document belongs into the header {DOCUMENT_HEADER}")))?;
    let token = parse(bytes, STATE_TYP)?;
    let key = key(&directory.keys, &token.kid, name)?;
    let (head, document) = read(&token, key, request, now)?;
    if document.site != name {
        return Err(ControlError::malformed(format!("the document is about \"{}\", not \"{name}\"", document.site)));
    }
    if document.fleet.as_deref() != Some(fleet) {
        let made_for = document.fleet.unwrap_or_default();
        return Err(ControlError::not_permitted(format!("made for the fleet \"{made_for}\", not \"{fleet}\"")));
    }
    if site.is_declared() {
        let detail = format!("the policy declares the state of \"{name}\"; change it there");
        return Err(ControlError::new(ErrorCode::Declared, detail));
    }
    let condition = request.headers.first(CONDITION_HEADER);
    for _ in 0..ATTEMPTS {
        let (newest, version) = documents::newest(fleet, name)?;
        let current = newest.and_then(|entry| directory::pushed(&entry));
        let current = current.as_ref().map(|current| &*current.document);
        let is_new = current.is_none_or(|current| current.stamp != document.stamp);
        if is_new {
            check_successor(&head, &document, current, condition, now)?;
            if !documents::put(fleet, name, (&key.name, &key.x), bytes, version)? {
                continue;
            }
            if !document.unknown.is_empty() {
                stats::count("channel.push.unknown_fields");
            }
        }
        let Stamp { revision, digest } = document.stamp;
        return Ok(Accepted { site: name.to_owned(), revision, digest: digest.to_string() }.to_json());
    }
    Err(ControlError::new(ErrorCode::Busy, "others write this site all the time; try again"))
}

/// Reads a document. The signature is checked once the size and the time are right.
fn read(token: &Token<'_>, key: &Key, request: &Request<'_>, now: Time) -> Result<(Head, Document), ControlError> {
    let payload = payload(token, request, now)?;
    if payload.len() > MAX_DOCUMENT {
        return Err(ControlError::too_large(DocumentError::TooLarge(payload.len()).to_string()));
    }
    let head = Head::read(&payload).map_err(|error| ControlError::malformed(error.to_string()))?;
    if !head.is_fresh(now) {
        let (name, time) = (if head.iat.is_some() { "iat" } else { "revision" }, head.time());
        let detail = format!("{name} {time} is not within five minutes of Envoy's clock, which says {now}");
        return Err(ControlError::new(ErrorCode::TooOld, detail));
    }
    check_signature(token, key, request, now)?;
    let document = Document::from_payload(&payload).map_err(|error| match error {
        DocumentError::Unsupported(_) => ControlError::new(ErrorCode::Unsupported, error.to_string()),
        _ => ControlError::malformed(error.to_string()),
    })?;
    Ok((head, document))
}

/// Checks that a document may replace the current one.
fn check_successor(
    head: &Head,
    document: &Document,
    current: Option<&Document>,
    condition: Option<&[u8]>,
    now: Time,
) -> Result<(), ControlError> {
    let digest = current.map(|current| current.stamp.digest.to_string());
    let (code, detail) = if condition.is_some_and(|condition| !meets_condition(condition, digest.as_deref())) {
        (ErrorCode::Conflict, "another document than the one named in if-match is the current one".to_owned())
    } else if !document.is_newer_than(current) {
        (ErrorCode::StaleRevision, "a newer document is the current one".to_owned())
    } else if !head.can_follow(current.map(|current| current.stamp.revision), now) {
        let time = Time(i64::try_from(head.revision).unwrap_or(i64::MAX));
        let detail = format!(
            "revision {time} is more than ten minutes ahead of Envoy's clock, which says {now}, and of the current document"
        );
        (ErrorCode::TooOld, detail)
    } else {
        return Ok(());
    };
    Err(ControlError::new(code, detail).with_current(current))
}

/// The key with this id that may sign state of `site`.
fn key<'k>(keys: &'k [Key], kid: &str, site: &str) -> Result<&'k Key, ControlError> {
    let mut keys = keys.iter().filter(|key| key.kid == kid).peekable();
    keys.peek().ok_or_else(ControlError::unknown_key)?;
    keys.find(|key| key.is_permitted(Permission::State, site))
        .ok_or_else(|| ControlError::not_permitted(format!("this key may not sign state of \"{site}\"")))
}
