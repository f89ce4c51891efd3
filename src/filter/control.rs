//! The control endpoint: what `maintctl` asks and pushes, below `control.path_prefix`.
//!
//! [`push`] takes documents, [`readers`] checks read tokens, [`problem`] is the form of every refusal. Work that strangers
//! cause is limited: they need the right size, key id and time before a signature is checked, and checks are shared out
//! by source address. The short status is free to ask for: the endpoint belongs on a network of operators.

use std::rc::Rc;

use problem::Problem;

use super::directory::Directory;
use super::json::{self, Object};
use super::root::Root;
use super::{host, log_limit, register, stats, status, worker};
use crate::policy::Key;
use crate::reply::LocalReply;
use crate::request::Request;
use crate::state::jws::{Token, TokenError};
use crate::time::Time;

mod problem;
mod push;
mod readers;

/// The request header that carries documents and read tokens.
const DOCUMENT: &str = "x-maintenance-document";

/// The answer to a request for the control endpoint; none where it is for the application.
pub fn answer(root: &Root, request: &Request<'_>) -> Option<LocalReply> {
    root.policy.control.as_ref()?;
    let Some(below) = root.policy.below_control(request) else {
        // A listener without sites is there for this endpoint alone.
        return root.policy.sites.is_empty().then(|| Problem::no_such_path().reply());
    };
    let below = below.strip_prefix(b"/v1/").and_then(|below| std::str::from_utf8(below).ok()).unwrap_or_default();
    let result = match below {
        "status" => match request.method {
            b"GET" => get_status(root, request),
            _ => Err(Problem::method("GET")),
        },
        rest => match rest.strip_prefix("sites/").filter(|site| !site.is_empty() && !site.contains('/')) {
            Some(site) if request.method == b"PUT" => {
                push::put_site(root, request, site).inspect_err(|problem| rejected(site, problem))
            }
            Some(_) => Err(Problem::method("PUT")),
            None => Err(Problem::no_such_path()),
        },
    };
    Some(match result {
        Ok(body) => json_reply(200, "application/json", body, &[]),
        Err(problem) => problem.reply(),
    })
}

/// Counts a document that was refused, and logs it, but not each one of a flood.
fn rejected(site: &str, problem: &Problem) {
    // The sender of a document that came second did nothing wrong.
    if !matches!(problem.code, "conflict" | "busy") {
        stats::count("channel.push.rejected");
        if log_limit::may_log() {
            log::warn!("push for {site:?} refused: {}: {:?}", problem.code, problem.detail);
        }
    }
}

fn json_reply(
    status: u32,
    content_type: &'static str,
    mut body: String,
    more: &[(&'static str, &'static str)],
) -> LocalReply {
    let fixed = [("content-type", content_type), ("cache-control", "no-store")];
    let headers = fixed.iter().chain(more).copied();
    body.push('\n');
    LocalReply::new(status, headers.collect(), body.into_bytes(), "maintenance_control")
}

fn get_status(root: &Root, request: &Request<'_>) -> Result<String, Problem> {
    let (fleet, now) = (root.fleet(), host::now()?);
    let mut conflicts = None;
    let sites: Rc<str> = match request.headers.first(DOCUMENT) {
        None => status::short(fleet, now)?,
        Some(token) => {
            let directory = Directory::of(fleet)?;
            readers::check(&directory.keys, token, request, fleet, now)?;
            let full = status::full(&directory, fleet, now)?;
            conflicts = Some(full.plugin_conflicts);
            full.sites.into()
        }
    };
    let mut object = Object::new();
    object.text("envoy", Some(&register::envoy()?));
    object.text("version", Some(env!("CARGO_PKG_VERSION")));
    object.text("time", Some(&now.to_string()));
    object.text("fleet", Some(fleet));
    if let Some(conflicts) = conflicts {
        object.raw("plugin_conflicts", &json::texts(&conflicts));
    }
    object.raw("sites", &sites);
    Ok(object.end())
}

/// Reads a token of this type as far as its header.
fn parse<'t>(bytes: &'t [u8], typ: &str) -> Result<Token<'t>, Problem> {
    Token::parse(bytes, typ).map_err(|error| match error {
        TokenError::TooLarge => Problem::too_large(error.to_string()),
        TokenError::Algorithm => Problem::new(401, "bad_signature", error.to_string()),
        _ => Problem::malformed(error.to_string()),
    })
}

/// The payload of a token, decoded only while the sender may still have a signature checked.
fn payload(token: &Token<'_>, request: &Request<'_>, now: Time) -> Result<Vec<u8>, Problem> {
    if !worker::with(|worker| worker.signatures().is_left(request.peer.remote_address(), now)) {
        return Err(Problem::busy());
    }
    token.payload().map_err(|error| Problem::malformed(error.to_string()))
}

fn check_signature(token: &Token<'_>, key: &Key, request: &Request<'_>, now: Time) -> Result<(), Problem> {
    if !worker::with(|worker| worker.signatures().take(request.peer.remote_address(), now)) {
        return Err(Problem::busy());
    }
    token
        .verify(&key.public)
        .map_err(|_| Problem::new(401, "bad_signature", format!("not the signature of the key \"{}\"", key.name)))
}
