//! Takes pushed documents into the register.
//!
//! A document costs little until its signature has been checked: before, only its size, its key id and its time are read.

use super::error::ControlError;
use super::token::{check_signature, parse, payload};
use crate::filter::directory::{self, Directory};
use crate::filter::root::Root;
use crate::filter::{documents, host, stats};
use crate::policy::{Key, Permission};
use crate::protocol::{Accepted, CONDITION_HEADER, DOCUMENT_HEADER, ErrorCode, meets_condition};
use crate::request::Request;
use crate::state::jws::STATE_TYP;
use crate::state::{Document, DocumentError, Head, MAX_DOCUMENT, Stamp};
use crate::time::Time;

/// Takes the document of this request for the site `name`.
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
    let payload = payload(&token, request, now)?;
    if payload.len() > MAX_DOCUMENT {
        return Err(ControlError::too_large(DocumentError::TooLarge(payload.len()).to_string()));
    }
    let head = Head::read(&payload).map_err(|error| ControlError::malformed(error.to_string()))?;
    if !head.is_fresh(now) {
        let (what, time) = (if head.iat.is_some() { "iat" } else { "revision" }, head.time());
        let detail = format!("{what} {time} is not within five minutes of Envoy's clock, which says {now}");
        return Err(ControlError::new(ErrorCode::TooOld, detail));
    }
    check_signature(&token, key, request, now)?;

    let document = Document::from_payload(&payload).map_err(|error| match error {
        DocumentError::Unsupported(_) => ControlError::new(ErrorCode::Unsupported, error.to_string()),
        _ => ControlError::malformed(error.to_string()),
    })?;
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
    let wanted = request.headers.first(CONDITION_HEADER);
    for _ in 0..100 {
        let (newest, before) = documents::newest(fleet, name)?;
        let current = newest.and_then(|entry| directory::pushed(&entry));
        let current = current.as_ref().map(|current| &*current.document);
        if current.is_some_and(|current| current.stamp == document.stamp) {
            return Ok(accepted(name, document.stamp));
        }
        if let Some(wanted) = wanted
            && !meets_condition(wanted, current.map(|current| current.stamp.digest.to_string()).as_deref())
        {
            let detail = "another document than the one named in if-match is the current one";
            return Err(ControlError::new(ErrorCode::Conflict, detail).with_current(current));
        }
        if !document.is_newer_than(current) {
            let detail = "a newer document is the current one";
            return Err(ControlError::new(ErrorCode::StaleRevision, detail).with_current(current));
        }
        if !head.can_follow(current.map(|current| current.stamp.revision), now) {
            let detail = format!(
                "revision {} is more than ten minutes ahead of Envoy's clock, which says {now}, and of the current document",
                Time(i64::try_from(head.revision).unwrap_or(i64::MAX))
            );
            return Err(ControlError::new(ErrorCode::TooOld, detail).with_current(current));
        }
        if documents::put(fleet, name, (&key.name, &key.x), bytes, before)? {
            if !document.unknown.is_empty() {
                stats::count("channel.push.unknown_fields");
            }
            return Ok(accepted(name, document.stamp));
        }
    }
    Err(ControlError::new(ErrorCode::Busy, "others write this site all the time; try again"))
}

/// The key with this id that may sign state of `site`.
fn key<'k>(keys: &'k [Key], kid: &str, site: &str) -> Result<&'k Key, ControlError> {
    let mut keys = keys.iter().filter(|key| key.kid == kid).peekable();
    keys.peek().ok_or_else(ControlError::unknown_key)?;
    keys.find(|key| key.is_permitted(Permission::State, site))
        .ok_or_else(|| ControlError::not_permitted(format!("this key may not sign state of \"{site}\"")))
}

fn accepted(site: &str, stamp: Stamp) -> String {
    Accepted { site: site.to_owned(), revision: stamp.revision, digest: stamp.digest.to_string() }.to_json()
}
