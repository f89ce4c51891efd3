//! The status as text.

use comfy_table::Color;
use envoy_maintenance::state::{EffectiveState, Mode};
use jiff::Zoned;

use crate::config::target::{Target, TargetWriter};
use crate::document::describe;
use crate::terminal::table::{Cell, table, table_without_wraps, wrapped};
use crate::terminal::times;
use crate::view::View;
use crate::view::site::SiteView;

/// The columns that every table has, and those that a narrow terminal shows as lines.
const HEADERS: [&str; 10] =
    ["SITE", "STATUS", "SINCE", "UNTIL", "ETA", "ADOPTION", "BY", "REFUSED", "PASSED", "REASON"];
const NARROW: usize = 6;

/// A table of the sites, and lines with their details. The result is trusted text, as that of [`table`].
pub fn text(target: &Target, view: &View, now: &Zoned) -> String {
    if view.sites.is_empty() {
        return "no site is known: see the errors and notes\n".to_owned();
    }
    let rows: Vec<Vec<Cell>> = view.sites.iter().map(|site| row(target, site, now)).collect();
    let wide = table_without_wraps(&HEADERS, &rows);
    let is_narrow = wide.is_none();
    let (narrow, _) = HEADERS.split_at(NARROW);
    let mut text = wide.unwrap_or_else(|| table(narrow, &rows));
    for site in &view.sites {
        let hidden = if is_narrow { columns_as_lines(site, now) } else { Vec::new() };
        for line in hidden.into_iter().chain(details(target, site, now)) {
            text.push_str(&format!("\n{}", wrapped(&format!("{}: {line}", site.site))));
        }
    }
    text.push_str(&format!("\n{}\n", wrapped(&format!("times: {}", times::zone_name(now)))));
    text
}

fn row(target: &Target, site: &SiteView, now: &Zoned) -> Vec<Cell> {
    let state = effective_state(site, now);
    let short = |time: Option<_>| Cell::from(time.map(|time| times::short(time, now)).unwrap_or_default());
    let declared = if site.declared { " (declared)" } else { "" };
    let adoption = if target.envoys.is_empty() { "not known".to_owned() } else { site.adoption() };
    let is_lagging = !site.lagging.is_empty();
    let mut row = vec![
        site.site.clone().into(),
        Cell::coloured(format!("{}{declared}", site.label()), colour(site)),
        short(state.since()),
        short(state.until()),
        short(state.eta()),
        Cell::coloured(adoption, is_lagging.then_some(Color::Red)),
    ];
    row.extend(last_columns(site, now).map(Cell::from));
    row
}

/// The columns that a narrow terminal shows as lines.
fn last_columns(site: &SiteView, now: &Zoned) -> [String; 4] {
    let passed = site.bypassed.iter().filter(|(_, count)| **count > 0);
    let passed = passed.map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", ");
    let refused = site.refused.filter(|count| *count > 0).map(|count| count.to_string());
    let reason = effective_state(site, now).reason().unwrap_or_default().to_owned();
    [by(site, now), refused.unwrap_or_default(), passed, reason]
}

fn columns_as_lines(site: &SiteView, now: &Zoned) -> Vec<String> {
    let (_, headers) = HEADERS.split_at(NARROW);
    let columns = headers.iter().zip(last_columns(site, now)).filter(|(_, text)| !text.is_empty());
    columns.map(|(header, text)| format!("{} {text}", header.to_lowercase())).collect()
}

/// The state by the site's document.
pub fn effective_state(site: &SiteView, now: &Zoned) -> EffectiveState {
    site.document.as_ref().map(|(_, document)| document.at(times::time(now))).unwrap_or_default()
}

fn colour(site: &SiteView) -> Option<Color> {
    match site.label().as_str() {
        "ONLINE" if site.lagging.is_empty() => Some(Color::Green),
        "READ_ONLY" => Some(Color::Yellow),
        "OFFLINE" => Some(Color::Red),
        _ => Some(Color::Magenta),
    }
}

/// The author of the document, and the owners of active windows.
fn by(site: &SiteView, now: &Zoned) -> String {
    let Some((_, document)) = &site.document else { return String::new() };
    let active = document.windows.iter().filter(|window| window.is_active(times::time(now)));
    let mut names: Vec<&str> = Vec::new();
    for name in document.by.as_deref().into_iter().chain(active.filter_map(|window| window.by.as_deref())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The details of a site that the table does not contain.
fn details(target: &Target, site: &SiteView, now: &Zoned) -> Vec<String> {
    let mut lines: Vec<String> = site.declared.then(|| declared(target, site)).into_iter().collect();
    if let Some((_, document)) = &site.document {
        let moment = times::time(now);
        if !document.suspend.is_empty() && document.mode != Mode::Online {
            lines.push(format!("suspended: {}", document.suspend.join(", ")));
        }
        let windows = document.windows.iter().filter(|window| !window.has_ended(moment));
        lines.extend(windows.map(|window| {
            let label = if window.is_active(moment) { "now" } else { "planned" };
            format!("{label}: {}", describe::window_text(window, now))
        }));
        lines.extend(document.note.iter().map(|note| format!("note: {note}")));
    }
    lines.extend(site.remarks.iter().cloned());
    lines
}

/// The place of a declared state.
fn declared(target: &Target, site: &SiteView) -> String {
    let place = match &target.writer {
        TargetWriter::File(files) => files.policy.display().to_string(),
        TargetWriter::Push => "the policy of Envoy".to_owned(),
    };
    format!("declared by `state.{}` in {place}; only a change of this entry changes the site", site.site)
}
