//! Takes pushed documents into the register.
//!
//! A document costs little until its signature has been checked: before, only its size, its key id and its time are read.

use super::problem::Problem;
use super::{DOCUMENT, check_signature, parse, payload};
use crate::filter::directory::{self, Directory};
use crate::filter::json::Object;
use crate::filter::root::Root;
use crate::filter::{documents, host, stats};
use crate::policy::{Key, Permission};
use crate::request::Request;
use crate::state::jws::STATE_TYP;
use crate::state::{Document, DocumentError, Head, MAX_DOCUMENT, Stamp};
use crate::time::Time;

/// Takes the document of this request for the site `name`.
pub fn put_site(root: &Root, request: &Request<'_>, name: &str) -> Result<String, Problem> {
    let (fleet, now) = (root.fleet(), host::now()?);
    let directory = Directory::of(fleet)?;
    let site =
        directory.sites.iter().find(|site| site.name == name).ok_or_else(|| {
            Problem::new(404, "unknown_site", format!("no policy of this fleet has a site \"{name}\""))
        })?;
    let bytes = request
        .headers
        .first(DOCUMENT)
        .ok_or_else(|| Problem::malformed(format!("the document belongs into the header {DOCUMENT}")))?;
    let token = parse(bytes, STATE_TYP)?;
    let key = key(&directory.keys, &token.kid, name)?;
    let payload = payload(&token, request, now)?;
    if payload.len() > MAX_DOCUMENT {
        return Err(Problem::too_large(DocumentError::TooLarge(payload.len()).to_string()));
    }
    let head = Head::read(&payload).map_err(|error| Problem::malformed(error.to_string()))?;
    if !head.is_fresh(now) {
        let (what, time) = (if head.iat.is_some() { "iat" } else { "revision" }, head.time());
        let detail = format!("{what} {time} is not within five minutes of Envoy's clock, which says {now}");
        return Err(Problem::new(401, "too_old", detail));
    }
    check_signature(&token, key, request, now)?;

    let document = Document::from_payload(&payload).map_err(|error| match error {
        DocumentError::Unsupported(_) => Problem::new(400, "unsupported", error.to_string()),
        _ => Problem::malformed(error.to_string()),
    })?;
    if document.site != name {
        return Err(Problem::malformed(format!("the document is about \"{}\", not \"{name}\"", document.site)));
    }
    if document.fleet.as_deref() != Some(fleet) {
        let made_for = document.fleet.unwrap_or_default();
        return Err(Problem::not_permitted(format!("made for the fleet \"{made_for}\", not \"{fleet}\"")));
    }
    if site.is_declared() {
        let detail = format!("the policy declares the state of \"{name}\"; change it there");
        return Err(Problem::new(409, "declared", detail));
    }
    let wanted = request.headers.first("if-match");
    for _ in 0..100 {
        let (newest, before) = documents::newest(fleet, name)?;
        let current = newest.and_then(|entry| directory::pushed(&entry));
        let current = current.as_ref().map(|current| &*current.document);
        if current.is_some_and(|current| current.stamp == document.stamp) {
            return Ok(accepted(name, document.stamp));
        }
        if let Some(wanted) = wanted
            && !is_match(wanted, current)
        {
            let detail = "another document than the one named in if-match is the current one";
            return Err(Problem::new(412, "conflict", detail).with_current(current));
        }
        if !document.is_newer_than(current) {
            let detail = "a newer document is the current one";
            return Err(Problem::new(409, "stale_revision", detail).with_current(current));
        }
        if !head.can_follow(current.map(|current| current.stamp.revision), now) {
            let detail = format!(
                "revision {} is more than ten minutes ahead of Envoy's clock, which says {now}, and of the current document",
                Time(i64::try_from(head.revision).unwrap_or(i64::MAX))
            );
            return Err(Problem::new(401, "too_old", detail).with_current(current));
        }
        if documents::put(fleet, name, (&key.name, &key.x), bytes, before)? {
            if !document.unknown.is_empty() {
                stats::count("channel.push.unknown_fields");
            }
            return Ok(accepted(name, document.stamp));
        }
    }
    Err(Problem::new(429, "busy", "others write this site all the time; try again"))
}

/// The key with this id that may sign state of `site`.
fn key<'k>(keys: &'k [Key], kid: &str, site: &str) -> Result<&'k Key, Problem> {
    let mut keys = keys.iter().filter(|key| key.kid == kid).peekable();
    keys.peek().ok_or_else(Problem::unknown_key)?;
    keys.find(|key| key.is_permitted(Permission::State, site))
        .ok_or_else(|| Problem::not_permitted(format!("this key may not sign state of \"{site}\"")))
}

fn accepted(site: &str, stamp: Stamp) -> String {
    let mut object = Object::new();
    object.text("site", Some(site));
    object.number("revision", stamp.revision);
    object.text("digest", Some(&stamp.digest.to_string()));
    object.end()
}

/// Whether `if-match` names the current document, or none where there is none (`"*"`).
fn is_match(header: &[u8], current: Option<&Document>) -> bool {
    let tag = String::from_utf8_lossy(header);
    let tag = tag.trim().trim_matches('"');
    match current {
        None => tag == "*",
        Some(document) => tag == document.stamp.digest.to_string(),
    }
}
