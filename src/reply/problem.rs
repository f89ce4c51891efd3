//! The JSON body of a refusal: problem details (RFC 9457).

use super::prepared::{BodyWriter, Placeholder};
use super::variables::{RefusalFacts, Variable};
use crate::state::Mode;
use crate::tree::{Tree, quoted};

/// The members that the filter sets.
pub const MEMBERS: [&str; 8] = ["title", "status", "detail", "site", "mode", "until", "eta", "retry_after"];

/// Writes the problem with the operator's `members` at its end. An unknown member is `null`, except `detail`, which is a
/// string or absent (RFC 9457 section 3.1.4).
pub fn write(facts: &RefusalFacts<'_>, site: &str, status: u32, members: &[(String, Tree)], out: &mut BodyWriter) {
    let title = match facts.mode {
        Mode::ReadOnly => "Read-only for maintenance",
        Mode::Online | Mode::Offline => "Closed for maintenance",
    };
    out.text(&format!("{{\"title\":\"{title}\",\"status\":{status}"));
    if let Some(reason) = facts.reason {
        out.text(&format!(",\"detail\":{}", quoted(reason)));
    }
    for (name, variable) in
        [("site", Variable::Site), ("mode", Variable::Mode), ("until", Variable::Until), ("eta", Variable::Eta)]
    {
        let value = facts.value(variable, site).map_or_else(|| "null".to_owned(), |value| quoted(&value));
        out.text(&format!(",\"{name}\":{value}"));
    }
    out.text(",\"retry_after\":");
    if facts.has_retry_after {
        out.placeholder(Placeholder::RetryAfter);
    } else {
        out.text("null");
    }
    for (name, value) in members {
        out.text(&format!(",{}:{}", quoted(name), value.to_json_text()));
    }
    out.text("}\n");
}
