//! The status as text and as JSON.

use jiff::Zoned;
use serde_json::{Value, json};

use envoy_maintenance::state::Mode;

use crate::config::target::Target;
use crate::document::describe;
use crate::envoys::failure;
use crate::terminal::output::shown;
use crate::terminal::table::{Cell, table};
use crate::terminal::times;
use crate::view::View;
use crate::view::site::SiteView;

/// A table of the sites, and lines with their details.
pub fn text(target: &Target, view: &View, now: &Zoned) -> String {
    let rows: Vec<Vec<Cell>> = view.sites.iter().map(|site| row(target, site, now)).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        let headers = ["SITE", "STATUS", "SINCE", "UNTIL", "ETA", "ADOPTION", "PASSED", "REASON"];
        text.push_str(&format!("{}\n", table(&headers, rows)));
    }
    for site in &view.sites {
        for line in details(site, now) {
            text.push_str(&format!("{}: {}\n", site.site, shown(&line)));
        }
    }
    text
}

fn row(target: &Target, site: &SiteView, now: &Zoned) -> Vec<Cell> {
    let state = site.document.as_ref().map(|(_, document)| document.at(times::time(now))).unwrap_or_default();
    let short = |time: Option<_>| time.map(|time| times::short(time, now)).unwrap_or_default();
    let declared = if site.declared && !target.is_file() { " (declared)" } else { "" };
    let adoption = if target.envoys.is_empty() { "not known".to_owned() } else { site.adoption() };
    let passed = site.bypassed.iter().filter(|(_, count)| **count > 0);
    [
        site.site.clone(),
        format!("{}{declared}", site.label()),
        short(state.since()),
        short(state.until()),
        short(state.eta()),
        adoption,
        passed.map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", "),
        state.reason().unwrap_or_default().to_owned(),
    ]
    .map(Cell::from)
    .into()
}

/// The details of a site that the table does not contain.
fn details(site: &SiteView, now: &Zoned) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((_, document)) = &site.document {
        let moment = times::time(now);
        if !document.suspend.is_empty() && document.mode != Mode::Online {
            lines.push(format!("suspended: {}", document.suspend.join(", ")));
        }
        let windows = document.windows.iter().filter(|window| window.until.is_none_or(|until| until > moment));
        lines.extend(windows.map(|window| {
            let label = if window.is_active(moment) { "now" } else { "planned" };
            format!("{label}: {}", describe::window_text(window, now))
        }));
        lines.extend(document.note.iter().map(|note| format!("note: {note}")));
    }
    lines.extend(site.remarks.iter().cloned());
    lines
}

/// The status as one JSON value.
pub fn json(target: &Target, view: &View, now: &Zoned) -> Value {
    let moment = times::time(now);
    let sites: Vec<Value> = view.sites.iter().map(|site| site.json(moment)).collect();
    let envoys = view.roll.envoys.iter().map(|envoy| {
        let status = &envoy.status;
        json!({
            "envoy": status.envoy,
            "address": envoy.endpoint.to_string(),
            "version": status.version,
            "time": status.time,
            "plugin_conflicts": status.plugin_conflicts,
        })
    });
    let envoys: Vec<Value> = envoys.collect();
    let missing = failure::json(&view.roll.failures);
    let status = json!({ "target": target.name, "sites": sites, "envoys": envoys, "missing": missing });
    failure::with_unreached(status, &view.unreached)
}
