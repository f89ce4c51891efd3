//! The control endpoint: what `maintctl` asks and pushes, below `control.path_prefix`.
//!
//! A stranger's document costs something only with the right size, form, key id and time, and the signatures that a worker
//! checks in a second are limited. The status is free to ask for: the endpoint belongs on a network of operators.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::root::{Root, plausible};
use super::status::{Current, Directory};
use super::{host, register, stats, status, worker};
use crate::policy::{Key, Kind};
use crate::reply::LocalReply;
use crate::request::Request;
use crate::state::jws::{READ_TYP, STATE_TYP, Token, TokenError};
use crate::state::{Digest, Document, DocumentError, Stamp};
use crate::time::Time;
use crate::tree::{Fields, Path, Tree, fields};

/// How far a pushed revision may be from Envoy's clock, in milliseconds.
const MAX_AGE: i64 = 5 * 60 * 1000;
/// How long a read token may be good for, in seconds.
const MAX_READ: i64 = 5 * 60;
/// How many read tokens a worker remembers as checked.
const MAX_READERS: usize = 64;

const DOCUMENT: &str = "x-maintenance-document";

/// The answer to a request for the control endpoint; none where it is for the application.
pub fn answer(root: &Root, request: &Request<'_>) -> Option<LocalReply> {
    root.policy.control.as_ref()?;
    let Some(below) = root.policy.below_control(request) else {
        // A listener without sites is there for this endpoint alone.
        return root.policy.sites.is_empty().then(|| problem(&Problem::new(404, "not_found", "no such path")));
    };
    let result = match below.strip_prefix("/v1/").unwrap_or_default() {
        "status" => match request.method {
            b"GET" => get_status(root, request),
            _ => Err(Problem::method("GET")),
        },
        rest => match rest.strip_prefix("sites/").filter(|site| !site.is_empty() && !site.contains('/')) {
            Some(site) if request.method == b"PUT" => {
                put_site(root, request, site).inspect_err(|problem| rejected(site, problem))
            }
            Some(_) => Err(Problem::method("PUT")),
            None => Err(Problem::new(404, "not_found", "no such path")),
        },
    };
    Some(match result {
        Ok(body) => json_reply(200, "application/json", &body, &[]),
        Err(error) => problem(&error),
    })
}

/// Counts a document that was refused, and logs it, but not each one of a flood.
fn rejected(site: &str, problem: &Problem) {
    // Who was slower than another did nothing wrong.
    if !matches!(problem.code, "conflict" | "busy") {
        stats::count("channel.push.rejected");
        if worker::with(|worker| worker.may_log(host::now())) {
            log::warn!("push for {site:?} refused: {}: {:?}", problem.code, problem.detail);
        }
    }
}

/// Why a request was refused.
struct Problem {
    status: u32,
    code: &'static str,
    detail: String,
    current: Option<Value>,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: u32, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into(), current: None, allow: None }
    }

    fn method(allow: &'static str) -> Problem {
        Problem { allow: Some(allow), ..Problem::new(405, "method_not_allowed", format!("only {allow}")) }
    }
}

fn problem(error: &Problem) -> LocalReply {
    let mut body = json!({
        "title": error.code.replace('_', " "),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    });
    if let (Some(current), Some(members)) = (&error.current, body.as_object_mut()) {
        members.insert("current".to_owned(), current.clone());
    }
    let allow: Vec<_> = error.allow.map(|allow| ("allow", allow)).into_iter().collect();
    json_reply(error.status, "application/problem+json", &body, &allow)
}

fn json_reply(
    status: u32,
    content_type: &'static str,
    body: &Value,
    more: &[(&'static str, &'static str)],
) -> LocalReply {
    let fixed = [("content-type", content_type), ("cache-control", "no-store")];
    let headers = fixed.iter().chain(more).copied();
    LocalReply::new(status, headers.collect(), format!("{body}\n").into_bytes(), "maintenance_control")
}

fn get_status(root: &Root, request: &Request<'_>) -> Result<Value, Problem> {
    let (fleet, now) = (root.fleet(), host::now());
    let directory = Directory::of(fleet, now);
    let full = match request.headers.first(DOCUMENT) {
        None => false,
        Some(token) => {
            check_reader(&directory.keys, token, fleet, now)?;
            true
        }
    };
    let instances = register::instances(now);
    let sites: Vec<Value> =
        directory.sites.iter().map(|site| status::site(fleet, site, &directory.keys, &instances, now, full)).collect();
    Ok(json!({
        "envoy": register::envoy(),
        "version": env!("CARGO_PKG_VERSION"),
        "time": now.to_string(),
        "fleet": fleet,
        "sites": sites,
    }))
}

thread_local! {
    /// Digests of fleets with read tokens that were good for them, and until when they are.
    static READERS: RefCell<Vec<(Digest, i64)>> = const { RefCell::new(Vec::new()) };
}

fn check_reader(keys: &[Key], bytes: &[u8], fleet: &str, now: Time) -> Result<(), Problem> {
    let seconds = now.0 / 1000;
    let token = bytes.get(..bytes.len().min(crate::state::jws::MAX_TOKEN)).unwrap_or_default();
    let digest = Digest::of(&[fleet.as_bytes(), b"\n", token].concat());
    let known = READERS.with_borrow(|readers| readers.iter().any(|(known, exp)| *known == digest && *exp > seconds));
    if known {
        return Ok(());
    }
    let token = parse(bytes, READ_TYP)?;
    let key = keys.iter().find(|key| key.kid == token.kid).ok_or_else(unknown_key)?;
    let claims = Tree::from_json(&token.payload).ok();
    let read = claims.as_ref().and_then(|claims| {
        let root = Path::Root;
        let mut members = Fields::of(claims, &root).ok()?;
        let fleet = members.required("fleet", fields::text).ok()?;
        let iat = members.required("iat", fields::integer).ok()?;
        Some((fleet, iat, members.required("exp", fields::integer).ok()?))
    });
    let Some((token_fleet, iat, exp)) = read else {
        return Err(Problem::new(400, "malformed_document", "a read token has fleet, iat and exp"));
    };
    if token_fleet != fleet {
        return Err(Problem::new(
            401,
            "not_permitted",
            format!("made for the fleet \"{token_fleet}\", not \"{fleet}\""),
        ));
    }
    if exp <= seconds || exp.saturating_sub(iat) > MAX_READ || iat > seconds + MAX_READ {
        return Err(Problem::new(
            401,
            "expired",
            format!("a read token lasts five minutes at most; Envoy's clock says {now}"),
        ));
    }
    check_signature(&token, key, now)?;
    READERS.with_borrow_mut(|readers| {
        readers.retain(|(_, exp)| *exp > seconds);
        if readers.len() >= MAX_READERS {
            readers.clear();
        }
        readers.push((digest, exp));
    });
    Ok(())
}

fn unknown_key() -> Problem {
    Problem::new(401, "unknown_key", "signed by a key that no policy of this fleet has")
}

fn parse<'t>(bytes: &'t [u8], typ: &str) -> Result<Token<'t>, Problem> {
    Token::parse(bytes, typ).map_err(|error| match error {
        TokenError::TooLarge => Problem::new(413, "too_large", error.to_string()),
        TokenError::Algorithm => Problem::new(401, "bad_signature", error.to_string()),
        _ => Problem::new(400, "malformed_document", error.to_string()),
    })
}

fn check_signature(token: &Token<'_>, key: &Key, now: Time) -> Result<(), Problem> {
    if !worker::with(|worker| worker.may_check_signature(now)) {
        return Err(Problem::new(429, "busy", "too many signatures to check this second; try again"));
    }
    token
        .verify(&key.public)
        .map_err(|_| Problem::new(401, "bad_signature", format!("not the signature of the key \"{}\"", key.name)))
}

fn put_site(root: &Root, request: &Request<'_>, name: &str) -> Result<Value, Problem> {
    let (fleet, now) = (root.fleet(), host::now());
    let directory = Directory::of(fleet, now);
    let site =
        directory.sites.iter().find(|site| site.name == name).ok_or_else(|| {
            Problem::new(404, "unknown_site", format!("no policy of this fleet has a site \"{name}\""))
        })?;
    let bytes = request.headers.first(DOCUMENT).ok_or_else(|| {
        Problem::new(400, "malformed_document", format!("the document belongs into the header {DOCUMENT}"))
    })?;
    let token = parse(bytes, STATE_TYP)?;
    let keys: Vec<&Key> = directory.keys.iter().filter(|key| key.kid == token.kid).collect();
    if keys.is_empty() {
        return Err(unknown_key());
    }
    let key = keys
        .iter()
        .find(|key| key.is_permitted(Kind::State, name))
        .ok_or_else(|| Problem::new(401, "not_permitted", format!("this key may not sign state of \"{name}\"")))?;
    let document = Document::from_payload(&token.payload).map_err(|error| match error {
        DocumentError::Malformed(_) => Problem::new(400, "malformed_document", error.to_string()),
        DocumentError::Unsupported(_) => Problem::new(400, "unsupported", error.to_string()),
        DocumentError::TooLarge(_) => Problem::new(413, "too_large", error.to_string()),
    })?;
    if document.site != name {
        let detail = format!("the document is about \"{}\", not \"{name}\"", document.site);
        return Err(Problem::new(400, "malformed_document", detail));
    }
    if document.fleet.as_deref() != Some(fleet) {
        let detail = format!("made for the fleet \"{}\", not \"{fleet}\"", document.fleet.unwrap_or_default());
        return Err(Problem::new(401, "not_permitted", detail));
    }
    let revision = i64::try_from(document.stamp.revision).unwrap_or(i64::MAX);
    if plausible(&document, now).is_err() || revision.abs_diff(now.0) > MAX_AGE.unsigned_abs() {
        let detail =
            format!("revision {} is not within five minutes of Envoy's clock, which says {now}", Time(revision));
        return Err(Problem::new(401, "too_old", detail));
    }
    check_signature(&token, key, now)?;
    if site.declared.is_some() {
        let detail = format!("the policy declares the state of \"{name}\"; change it there");
        return Err(Problem::new(409, "declared", detail));
    }
    let wanted = request.headers.first("if-match");
    for _ in 0..100 {
        let before = register::cas(fleet, name);
        let current = Current::of(fleet, site).map(|current| current.document);
        if current.as_ref().is_some_and(|current| current.stamp == document.stamp) {
            return Ok(accepted(name, document.stamp));
        }
        if let Some(wanted) = wanted
            && !is_match(wanted, current.as_ref())
        {
            let detail = "another document than the one named in if-match is the current one";
            return Err(with_current(Problem::new(412, "conflict", detail), current.as_ref()));
        }
        if !document.is_newer_than(current.as_ref()) {
            let detail = "a newer document is the current one";
            return Err(with_current(Problem::new(409, "stale_revision", detail), current.as_ref()));
        }
        if register::put(fleet, name, (&key.name, &key.x), bytes, before) {
            register::changed();
            if !document.unknown.is_empty() {
                stats::count("channel.push.unknown_fields");
            }
            return Ok(accepted(name, document.stamp));
        }
    }
    Err(Problem::new(429, "busy", "others write this site all the time; try again"))
}

fn accepted(site: &str, stamp: Stamp) -> Value {
    json!({ "site": site, "revision": stamp.revision, "digest": stamp.digest.to_string() })
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

fn with_current(problem: Problem, current: Option<&Document>) -> Problem {
    let current = current.map(|document| {
        json!({
            "revision": document.stamp.revision,
            "digest": document.stamp.digest.to_string(),
            "mode": document.mode.name(),
        })
    });
    Problem { current: Some(current.unwrap_or(Value::Null)), ..problem }
}
