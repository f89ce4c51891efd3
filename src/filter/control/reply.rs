//! The answers of the control endpoint as local replies.

use crate::reply::LocalReply;

/// A reply with a JSON body.
pub fn json_reply(
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
