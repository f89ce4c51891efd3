//! What operators read: the line for a site, the end of a change, and progress on a terminal.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use jiff::Zoned;
use serde_json::{Value, json};

use crate::document::describe::changed_text;
use crate::envoys::failure::{self, missing_json, missing_lines};
use crate::exit::ExitError;
use crate::terminal::output::{self, shown};
use crate::terminal::times;
use crate::write::change::{ChangeReport, SiteChange};

/// The answer for one site: what has changed, or what `unchanged` says of its document.
pub fn line(outcome: &SiteChange, now: &Zoned, unchanged: impl FnOnce(&Document) -> String) -> Result<String> {
    let after = outcome.after.read()?;
    Ok(match outcome.changed {
        true => changed_text(&outcome.before.read()?, &after, now),
        false => unchanged(&after),
    })
}

/// A site's document as a member of an answer in JSON.
fn outcome_json(outcome: &SiteChange, now: Time) -> Result<Value> {
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
pub fn finish(
    report: &ChangeReport,
    answers: Answers,
    line: impl Fn(&SiteChange, &Zoned) -> Result<String>,
) -> Result<()> {
    let now = times::now();
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
            Answers::Json => sites.push(outcome_json(outcome, times::time(&now))?),
        }
    }
    if answers == Answers::Json {
        let envoys = following.map(|following| {
            let lagging = missing_json(&following.lagging);
            let followed = json!({ "total": following.total, "followed": following.followed, "lagging": lagging });
            failure::told(followed, &report.unreached)
        });
        lines.push(json!({ "target": report.target, "sites": sites, "envoys": envoys }).to_string());
    }
    let told = lines.iter().try_for_each(|line| output::out(format_args!("{line}\n")).map(drop));
    for site in following.iter().flat_map(|following| &following.overtaken) {
        aside!("note: {site}: somebody has changed it since; Envoy already follows the newer document");
    }
    let kept = |outcome: &SiteChange| {
        outcome.after.read().is_ok_and(|document| document.mode != Mode::Online || !document.windows.is_empty())
    };
    if !report.durable && report.outcomes.iter().any(|outcome| outcome.changed && kept(outcome)) {
        aside!("note: not durable: target \"{}\" only pushes, and an Envoy that restarts forgets it", report.target);
    }
    // Whether Envoys follow matters more than whether anybody was told.
    verdict(report).and(told)
}

fn verdict(report: &ChangeReport) -> Result<()> {
    if let Some(behind) = report.following.as_ref().filter(|following| !following.lagging.is_empty()) {
        let left = behind.lagging.len();
        let verb = if left == 1 { "does" } else { "do" };
        bail!(ExitError::NotAdopted(format!(
            "{left} of {} Envoys {verb} not follow:{}",
            behind.total,
            missing_lines(&behind.lagging)
        )));
    }
    if !report.unreached.is_empty() {
        let lines = missing_lines(&report.unreached);
        bail!(ExitError::NotAdopted(format!("every Envoy follows, but not every connection may:{lines}")));
    }
    if let Some(miscounted) = &report.miscounted {
        bail!(ExitError::NotAdopted(format!("{miscounted} (`expect` of target \"{}\")", report.target)));
    }
    if report.blind {
        bail!(ExitError::NotAdopted(format!(
            "the file is written, but whether Envoy follows cannot be read: target \"{}\" has no `envoys` \
             (--wait=false does not ask)",
            report.target
        )));
    }
    Ok(())
}
