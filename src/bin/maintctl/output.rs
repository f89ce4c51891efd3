//! What operators read: the line for a site, the end of a change, and progress on a terminal.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use indicatif::ProgressBar;
use jiff::Zoned;
use serde_json::{Value, json};

use crate::change::{Outcome, Report};
use crate::exit::End;
use crate::roll::{missing_json, missing_lines};
use crate::say::shown;
use crate::{restart, say, when};

/// After how long a wait is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// A live line on a terminal for what takes longer than a second.
pub struct Progress {
    what: &'static str,
    started: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    pub fn start(what: &'static str) -> Progress {
        Progress { what, started: Instant::now(), bar: OnceCell::new() }
    }

    /// Shows how far it is.
    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("{}: {} ({} s)", self.what, text(), self.started.elapsed().as_secs()));
    }

    /// Takes the line away.
    pub fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// Rows under headers. A column in which nothing stands is left out.
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let used: Vec<bool> = (0..headers.len())
        .map(|column| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let kept = |cells: Vec<String>| cells.into_iter().zip(&used).filter(|(_, used)| **used).map(|(cell, _)| cell);
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(kept(headers.iter().map(|header| (*header).to_owned()).collect()));
    for row in rows {
        table.add_row(kept(row.iter().map(|cell| shown(cell)).collect()));
    }
    table.trim_fmt()
}

/// A mode as operators know it.
pub fn label(mode: Mode) -> &'static str {
    match mode {
        Mode::Online => "ONLINE",
        Mode::ReadOnly => "READ_ONLY",
        Mode::Offline => "OFFLINE",
    }
}

/// The next window that is still to come.
pub fn next_window(document: &Document, now: Time) -> Option<&Window> {
    document.windows.iter().filter(|window| window.from > now).min_by_key(|window| window.from)
}

/// `OFFLINE from 02:00 until 04:00 (w1)`
pub fn window_text(window: &Window, now: &Zoned) -> String {
    let until = match window.until {
        Some(until) => format!("until {}", when::short(until, now)),
        None => "until somebody opens it".to_owned(),
    };
    format!("{} from {} {until} ({})", label(window.mode), when::short(window.from, now), window.id)
}

/// What has become of a site, with what it was where that is another thing.
pub fn changed_text(before: &Document, after: &Document, now: &Zoned) -> String {
    let at = when::time(now);
    let (old, new) = (before.at(at), after.at(at));
    let was_closed = old.mode() != Mode::Online;
    if new.mode() == Mode::Online {
        let next = next_window(after, at).map(|window| format!("; next: {}", window_text(window, now)));
        return format!("ONLINE{}", next.unwrap_or_default());
    }
    let mut text = label(new.mode()).to_owned();
    if was_closed && old.mode() != new.mode() {
        text.push_str(&format!(" (was {})", label(old.mode())));
    }
    let mut part = |name: &str, old: Option<String>, new: Option<String>, also_unchanged: bool| {
        let changed = old != new && (was_closed || new.is_some());
        if !(changed || also_unchanged && new.is_some()) {
            return;
        }
        let none = || "none".to_owned();
        text.push_str(&format!(", {name} {}", new.unwrap_or_else(none)));
        if changed && was_closed {
            text.push_str(&format!(" (was {})", old.unwrap_or_else(none)));
        }
    };
    let short = |time: Option<Time>| time.map(|time| when::short(time, now));
    part("until", short(old.until()), short(new.until()), true);
    part("eta", short(old.eta()), short(new.eta()), false);
    let suspended = |document: &Document| (!document.suspend.is_empty()).then(|| document.suspend.join(", "));
    part("suspended", suspended(before), suspended(after), false);
    if was_closed {
        let quoted = |text: Option<&str>| text.map(|text| format!("{text:?}"));
        part("reason", quoted(old.reason()), quoted(new.reason()), false);
        part("note", quoted(before.note.as_deref()), quoted(after.note.as_deref()), false);
    }
    text
}

/// The answer for one site: what has changed, or what `unchanged` says of its document.
pub fn line(outcome: &Outcome, now: &Zoned, unchanged: impl FnOnce(&Document) -> String) -> Result<String> {
    let after = outcome.after.read()?;
    Ok(match outcome.changed {
        true => changed_text(&outcome.before.read()?, &after, now),
        false => unchanged(&after),
    })
}

/// What a site is, where nothing had to change.
pub fn already_text(document: &Document, now: &Zoned) -> String {
    let situation = document.at(when::time(now));
    let until = situation.until().map(|until| format!(", until {}", when::short(until, now)));
    format!("already {}{}", label(situation.mode()), until.unwrap_or_default())
}

/// A site's document as a member of an answer in JSON.
fn outcome_json(outcome: &Outcome, now: Time) -> Result<Value> {
    let document = outcome.after.read()?;
    let situation = document.at(now);
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    Ok(json!({
        "site": outcome.site,
        "mode": situation.mode().name(),
        "changed": outcome.changed,
        "since": time(situation.since()),
        "until": time(situation.until()),
        "eta": time(situation.eta()),
        "reason": situation.reason(),
        "revision": outcome.after.revision(),
        "windows": outcome.after.members().get("windows").cloned().unwrap_or_else(|| json!([])),
    }))
}

/// Where a change's answers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Lines on stdout.
    Lines,
    /// One JSON value on stdout.
    Json,
    /// Lines on stderr: stdout belongs to a command.
    Aside,
}

/// Prints what a change has come to. An error if somebody does not follow.
pub fn finish(report: &Report, answers: Answers, line: impl Fn(&Outcome, &Zoned) -> Result<String>) -> Result<()> {
    let now = when::now();
    let following = report.following.as_ref();
    let behind = following.filter(|following| !following.lagging.is_empty());
    let (mut lines, mut sites) = (Vec::new(), Vec::new());
    for outcome in &report.outcomes {
        let mut text = shown(&format!("{}: {}", outcome.site, line(outcome, &now)?));
        if let Some(behind) = behind {
            text.push_str(&format!(" ({}/{} Envoys follow)", behind.followed, behind.total));
        }
        match answers {
            Answers::Lines => lines.push(text),
            Answers::Aside => aside!("{text}"),
            Answers::Json => sites.push(outcome_json(outcome, when::time(&now))?),
        }
    }
    if answers == Answers::Json {
        let envoys = following.map(|following| {
            let lagging = missing_json(&following.lagging);
            let followed = json!({ "total": following.total, "followed": following.followed, "lagging": lagging });
            restart::told(followed, &report.unreached)
        });
        lines.push(json!({ "target": report.target, "sites": sites, "envoys": envoys }).to_string());
    }
    let told = lines.iter().try_for_each(|line| say::out(format_args!("{line}\n")).map(drop));
    for site in following.iter().flat_map(|following| &following.overtaken) {
        aside!("note: {site}: somebody has changed it since; Envoy already follows the newer document");
    }
    let kept = |outcome: &Outcome| {
        outcome.after.read().is_ok_and(|document| document.mode != Mode::Online || !document.windows.is_empty())
    };
    if !report.durable && report.outcomes.iter().any(|outcome| outcome.changed && kept(outcome)) {
        aside!("note: not durable: target \"{}\" only pushes, and an Envoy that restarts forgets it", report.target);
    }
    // Whether Envoys follow matters more than whether anybody was told.
    verdict(report).and(told)
}

fn verdict(report: &Report) -> Result<()> {
    if let Some(behind) = report.following.as_ref().filter(|following| !following.lagging.is_empty()) {
        let left = behind.lagging.len();
        let verb = if left == 1 { "does" } else { "do" };
        bail!(End::NotFollowed(format!(
            "{left} of {} Envoys {verb} not follow:{}",
            behind.total,
            missing_lines(&behind.lagging)
        )));
    }
    if !report.unreached.is_empty() {
        let lines = missing_lines(&report.unreached);
        bail!(End::NotFollowed(format!("every Envoy follows, but not every connection may:{lines}")));
    }
    if let Some(miscounted) = &report.miscounted {
        bail!(End::NotFollowed(format!("{miscounted} (`expect` of target \"{}\")", report.target)));
    }
    if report.blind {
        bail!(End::NotFollowed(format!(
            "the file is written, but whether Envoy follows cannot be read: target \"{}\" has no `envoys` \
             (--wait=false does not ask)",
            report.target
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(members: Value) -> Document {
        let mut whole = json!({"site": "shop", "fleet": "demo", "revision": 1, "mode": "online"});
        whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Document::from_payload(whole.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_says_what_is_and_what_was() {
        let now: Zoned = "2026-11-21T02:00:00Z[UTC]".parse().unwrap();
        let open = json!({});
        let offline = json!({"mode": "offline"});
        let until_three = json!({"mode": "offline", "until": "2026-11-21T03:00:00Z"});
        let until_half_past = json!({"mode": "offline", "until": "2026-11-21T03:30:00Z"});
        let w1 = json!({"windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T04:00:00Z"}]});
        for (before, after, expected) in [
            (&open, &offline, "OFFLINE"),
            (&open, &until_three, "OFFLINE, until 03:00"),
            (&until_three, &until_half_past, "OFFLINE, until 03:30 (was 03:00)"),
            (&offline, &until_half_past, "OFFLINE, until 03:30 (was none)"),
            (&until_three, &offline, "OFFLINE, until none (was 03:00)"),
            (&offline, &json!({"mode": "read_only"}), "READ_ONLY (was OFFLINE)"),
            (&offline, &json!({"mode": "offline", "reason": "A"}), "OFFLINE, reason \"A\" (was none)"),
            (
                &until_three,
                &json!({"mode": "offline", "until": "2026-11-21T03:00:00Z", "suspend": ["staff", "office"]}),
                "OFFLINE, until 03:00, suspended staff, office (was none)",
            ),
            (&open, &json!({"mode": "offline", "eta": "2026-11-21T02:20:00Z"}), "OFFLINE, eta 02:20"),
            (&offline, &open, "ONLINE"),
            (&offline, &w1, "ONLINE; next: OFFLINE from 04:00 until somebody opens it (w1)"),
        ] {
            let text = changed_text(&document(before.clone()), &document(after.clone()), &now);
            assert_eq!(text, expected, "{before} {after}");
        }
    }
}
