//! The JSON that API clients get: a problem (RFC 9457).

use super::prepared::{BodyWriter, Placeholder};
use super::variables::{RefusalFacts, Variable};
use crate::state::Mode;
use crate::tree::{Tree, quoted};

/// The members that say what holds.
pub const MEMBERS: [&str; 8] = ["title", "status", "detail", "site", "mode", "until", "eta", "retry_after"];

/// Writes the problem. What is not known is `null`, but for `detail`, which is a text or absent (RFC 9457 section 3.1.4).
pub fn write(facts: &RefusalFacts<'_>, site: &str, status: u32, members: &[(String, Tree)], out: &mut BodyWriter) {
    out.text("{\"title\":");
    out.text(&quoted(title(facts.mode)));
    out.text(&format!(",\"status\":{status}"));
    if let Some(reason) = facts.reason.filter(|reason| !reason.is_empty()) {
        out.text(",\"detail\":");
        out.text(&quoted(reason));
    }
    for (name, variable) in
        [("site", Variable::Site), ("mode", Variable::Mode), ("until", Variable::Until), ("eta", Variable::Eta)]
    {
        let value = facts.value(variable, site).map_or_else(|| "null".to_owned(), |value| quoted(&value));
        out.text(&format!(",\"{name}\":{value}"));
    }
    out.text(",\"retry_after\":");
    if facts.retry {
        out.hole(Placeholder::RetryAfter)
    } else {
        out.text("null")
    }
    for (name, value) in members {
        out.text(&format!(",{}:{}", quoted(name), value.to_json_text()));
    }
    out.text("}\n");
}

/// What the mode means to a client, in few words.
pub fn title(mode: Mode) -> &'static str {
    match mode {
        Mode::ReadOnly => "Read-only for maintenance",
        Mode::Online | Mode::Offline => "Closed for maintenance",
    }
}
