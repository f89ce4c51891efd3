//! Explanations as lines or as one JSON value.

use std::io::IsTerminal;

use anyhow::Result;
use envoy_maintenance::request::RequestPath;
use envoy_maintenance::request::path::{Interpretation, NamedHost};
use envoy_maintenance::state::Mode;
use serde_json::{Value, json};

use crate::commands::explain::explanation::{Action, Explanation};
use crate::commands::explain::wire::ClientResponse;
use crate::terminal::output::{self, shown};

/// The part of a body that a terminal shows, in lines and characters per line.
const LINES: usize = 20;
const WIDTH: usize = 160;

/// The explanation as JSON.
pub fn json(explanation: &Explanation) -> Value {
    let Explanation { at, verdict, outcome, site, mode, rule, host, path, notes } = explanation;
    let path = match path {
        RequestPath::Canonical(path) => json!({ "canonical": path }),
        RequestPath::Ambiguous { raw, interpretations } => {
            let readings: Vec<String> = interpretations.iter().map(reading).collect();
            json!({ "ambiguous": { "raw": raw, "readings": readings } })
        }
        RequestPath::Anywhere { raw, .. } => json!({ "anywhere": { "raw": raw } }),
    };
    let (action, upstream, reply) = match outcome {
        Action::Pass(headers) => ("pass", json!(headers), Value::Null),
        Action::Answer(response) => ("answer", Value::Null, response_json(response)),
        Action::Control => ("control", Value::Null, Value::Null),
    };
    json!({
        "verdict": verdict, "action": action, "site": site, "mode": mode.name(), "rule": rule,
        "host": host, "path": path, "at": at.to_string(), "notes": notes,
        "upstream_headers": upstream, "reply": reply,
    })
}

fn response_json(response: &ClientResponse) -> Value {
    let ClientResponse { status, headers, body } = response;
    json!({ "status": status, "headers": headers, "body": String::from_utf8_lossy(body) })
}

/// Prints the explanation as lines.
pub fn lines(explanation: &Explanation) -> Result<()> {
    output::out(format_args!("{}", text(explanation, std::io::stdout().is_terminal()))).map(drop)
}

pub fn text(explanation: &Explanation, cut: bool) -> String {
    let Explanation { at, verdict, outcome, site, mode, rule, host, path, notes } = explanation;
    let what = match outcome {
        Action::Pass(_) => "passes to the application",
        Action::Answer(_) => "answered by the filter",
        Action::Control => "answered by the control endpoint",
    };
    let mut rows = vec![("verdict", format!("{verdict}: {what}"))];
    let mode = if *mode == Mode::Online { String::new() } else { format!(", which is {mode}") };
    rows.push(("site", site.as_ref().map_or_else(|| "none".to_owned(), |site| format!("{site}{mode}"))));
    rows.push(("rule", rule.clone().unwrap_or_else(|| "none".to_owned())));
    let unreadable = "ambiguous, so it may be that of any site";
    rows.push(("host", host.clone().unwrap_or_else(|| unreadable.to_owned())));
    match path {
        RequestPath::Canonical(path) => rows.push(("path", path.clone())),
        RequestPath::Ambiguous { raw, interpretations } => {
            let meaning = "matches no exempt rule with paths, and is refused if any interpretation would be refused";
            rows.push(("path", format!("ambiguous: {meaning}")));
            rows.push(("  as sent", format!("{raw}  ({})", why(raw))));
            rows.extend(interpretations.iter().map(|one| ("  or", reading(one))));
        }
        RequestPath::Anywhere { raw, .. } => {
            let meaning = "may resolve to any path of the host, and is refused if any path of it is closed";
            rows.push(("path", format!("ambiguous: {meaning}")));
            rows.push(("  as sent", format!("{raw}  ({})", why(raw))));
        }
    }
    rows.push(("at", at.to_string()));
    rows.extend(notes.iter().map(|note| ("note", note.clone())));
    if let Action::Pass(headers) = outcome {
        rows.extend(headers.iter().map(|(name, value)| ("upstream", format!("{name}: {value}"))));
    }
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:<10} {}\n", shown(value))).collect();
    if let Action::Answer(response) = outcome {
        text.push_str(&format!("\nHTTP {}\n", response.status));
        for (name, value) in &response.headers {
            text.push_str(&format!("{name}: {}\n", shown(value)));
        }
        text.push_str(&body(&String::from_utf8_lossy(&response.body), cut));
    }
    text
}

fn reading(one: &Interpretation) -> String {
    match &one.host {
        NamedHost::Own => one.path.clone(),
        NamedHost::Other(host) => format!("{} on {}", one.path, host.as_str()),
        NamedHost::Any => format!("{} on any host", one.path),
    }
}

/// The length above which a path may have too many interpretations, in bytes.
const LONG: usize = 1000;

/// The first reason why a path is ambiguous.
pub fn why(raw: &str) -> &'static str {
    let lower = raw.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let leads_anywhere = || matches!(RequestPath::parse(raw.as_bytes()), RequestPath::Anywhere { .. });
    if !raw.starts_with('/') {
        "it does not begin with a slash"
    } else if leads_anywhere() && raw.len() > LONG {
        "it is too long to evaluate all interpretations"
    } else if leads_anywhere() {
        "it has a dot segment, perhaps after decoding"
    } else if has(&["//"]) {
        "it has an empty segment"
    } else if has(&["%2f"]) {
        "it has an encoded slash"
    } else if has(&["\\", "%5c"]) {
        "it has a backslash"
    } else if has(&[";", "%3b"]) {
        "it has a semicolon"
    } else if has(&["#", "%23", "%3f"]) {
        "it has a number sign or an encoded question mark"
    } else if has(&["%25"]) {
        "it changes when it is decoded again"
    } else if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
        "it has characters outside of printable ASCII"
    } else {
        "it has invalid percent-encoding, or encodes a control character or invalid UTF-8"
    }
}

pub fn body(text: &str, cut: bool) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut shown = String::from("\n");
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().take(if cut { LINES } else { lines.len() }) {
        let end = line.char_indices().nth(WIDTH).filter(|_| cut).map_or(line.len(), |(end, _)| end);
        shown.push_str(line.get(..end).unwrap_or(line));
        shown.push_str(if end < line.len() { "…\n" } else { "\n" });
    }
    if cut && lines.len() > LINES {
        shown.push_str(&format!(
            "… {} more lines, {} bytes in all; --json prints all\n",
            lines.len() - LINES,
            text.len()
        ));
    }
    shown
}
