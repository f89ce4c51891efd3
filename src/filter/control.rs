//! The control endpoint, below `control.path_prefix`, as [`protocol`](crate::protocol) defines it.
//!
//! [`push`] accepts documents, [`readers`] checks read tokens, and [`error`] has the reasons of refusals. The work that an
//! unauthenticated client can cause is limited: a signature is checked only if the size, key id and time are right, and
//! each source address gets its share of all checks. The short status needs no token, because the endpoint belongs on a
//! network of operators.

use error::ControlError;
use reply::json_reply;

use super::directory::Directory;
use super::root::Root;
use super::{host, log_limit, register, stats, status};
use crate::protocol::{ControlPath, DOCUMENT_HEADER, ErrorCode, Status};
use crate::reply::LocalReply;
use crate::request::Request;

mod error;
mod push;
mod readers;
mod reply;
mod token;

/// The answer to a request for the control endpoint, or `None` if the request is for the application.
pub fn answer(root: &Root, request: &Request<'_>) -> Option<LocalReply> {
    root.policy.control.as_ref()?;
    let Some(below) = root.policy.below_control(request) else {
        // A listener without sites serves nothing but this endpoint.
        return root.policy.sites.is_empty().then(|| ControlError::no_such_path().reply());
    };
    Some(match answer_path(root, request, ControlPath::parse(below)) {
        Ok(body) => json_reply(200, "application/json", body, &[]),
        Err(error) => error.reply(),
    })
}

fn answer_path(root: &Root, request: &Request<'_>, path: Option<ControlPath<'_>>) -> Result<String, ControlError> {
    let path = path.ok_or_else(ControlError::no_such_path)?;
    if request.method != path.method().as_bytes() {
        return Err(ControlError::method(path.method()));
    }
    match path {
        ControlPath::Status => get_status(root, request),
        ControlPath::Site(site) => push::put_site(root, request, site).inspect_err(|error| rejected(site, error)),
    }
}

/// Counts a document that was refused, and logs it unless too many were.
fn rejected(site: &str, error: &ControlError) {
    // These codes mean that another document or client was faster, not that this one is wrong.
    if !matches!(error.code, ErrorCode::Conflict | ErrorCode::Busy) {
        stats::count("channel.push.rejected");
        if log_limit::may_log() {
            log::warn!("push for {site:?} refused: {error}");
        }
    }
}

fn get_status(root: &Root, request: &Request<'_>) -> Result<String, ControlError> {
    let (fleet, now) = (root.fleet(), host::now()?);
    let (sites, plugin_conflicts, plugins) = match request.headers.first(DOCUMENT_HEADER) {
        None => (status::short(fleet, now)?, Vec::new(), None),
        Some(token) => {
            let directory = Directory::of(fleet)?;
            readers::check(&directory.keys, token, request, fleet, now)?;
            let full = status::full(&directory, fleet, now)?;
            (full.sites.into(), full.plugin_conflicts, Some(full.plugins))
        }
    };
    let status = Status {
        envoy: register::envoy()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: now.to_string(),
        started: register::started()?.to_string(),
        fleet: fleet.to_owned(),
        plugin_conflicts,
        sites,
        plugins,
    };
    Ok(status.to_json())
}
