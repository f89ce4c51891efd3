//! The answer to a change: one line for each site, or one JSON value.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use jiff::Zoned;
use serde_json::{Value, json};

use crate::args::common::ChangeArgs;
use crate::document::describe::changed_text;
use crate::document::warnings;
use crate::envoys::failure;
use crate::exit::ExitError;
use crate::terminal::output::{self, shown};
use crate::terminal::times;
use crate::write::change::{ChangeReport, SiteChange};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    /// Lines on stdout.
    Lines,
    /// One JSON value on stdout.
    Json,
    /// Lines on stderr, because stdout belongs to a command.
    Stderr,
}

impl AnswerForm {
    pub fn new(args: &ChangeArgs) -> AnswerForm {
        if args.json { AnswerForm::Json } else { AnswerForm::Lines }
    }
}

/// The text for one site: what has changed, or the result of `unchanged`.
pub fn line(change: &SiteChange, now: &Zoned, unchanged: impl FnOnce(&Document) -> String) -> Result<String> {
    let after = change.after.read()?;
    if !change.changed {
        return Ok(unchanged(&after));
    }
    Ok(changed_text(&change.before.read()?, &after, now))
}

/// Prints the result of a change, or of a dry run. Fails if an Envoy has not adopted it.
pub fn finish(
    report: &ChangeReport,
    form: AnswerForm,
    line: impl Fn(&SiteChange, &Zoned) -> Result<String>,
) -> Result<()> {
    let now = times::now();
    print_warnings(report, &now)?;
    let printed = match form {
        AnswerForm::Json => output::out(format_args!("{}\n", json_of(report, times::time(&now))?)).map(drop),
        AnswerForm::Lines => print_lines(report, &now, line, |text| output::out(format_args!("{text}\n")).map(drop))?,
        AnswerForm::Stderr => print_lines(report, &now, line, |text| {
            aside!("{text}");
            Ok(())
        })?,
    };
    print_notes(report);
    // An Envoy that has not adopted the change matters more than an answer that could not be written.
    check(report).and(printed)
}

/// Prints what a change would do, before a question about it.
pub fn print_plan(plan: &ChangeReport, line: impl Fn(&SiteChange, &Zoned) -> Result<String>) -> Result<()> {
    let now = times::now();
    print_warnings(plan, &now)?;
    for change in &plan.sites {
        aside!("{}", shown(&format!("{}: {}", change.site, line(change, &now)?)));
    }
    print_brought(plan);
    Ok(())
}

/// Prints one line for each site. The inner result is that of printing.
fn print_lines(
    report: &ChangeReport,
    now: &Zoned,
    line: impl Fn(&SiteChange, &Zoned) -> Result<String>,
    print: impl Fn(&str) -> Result<()>,
) -> Result<Result<()>> {
    let lagging = report.adoption.as_ref().filter(|adoption| !adoption.lagging.is_empty());
    let adoption = lagging.map(|adoption| format!(" (adopted by {}/{} Envoys)", adoption.adopted, adoption.total));
    let adoption = adoption.unwrap_or_default();
    let begin = if report.dry_run { "dry run: " } else { "" };
    let text = |change: &SiteChange| {
        let line = shown(&format!("{begin}{}: {}", change.site, line(change, now)?));
        let document = if report.dry_run && change.changed {
            format!("\n{}", serde_json::to_string_pretty(change.after.members())?)
        } else {
            String::new()
        };
        Ok(format!("{line}{adoption}{document}"))
    };
    let lines = report.sites.iter().map(text).collect::<Result<Vec<String>>>()?;
    Ok(lines.iter().try_for_each(|text| print(text)))
}

/// Prints what is probably a mistake in the documents that have changed.
fn print_warnings(report: &ChangeReport, now: &Zoned) -> Result<()> {
    for change in report.sites.iter().filter(|change| change.changed) {
        for warning in warnings::of(&change.before.read()?, &change.after.read()?, now) {
            aside!("warning: {}: {}", change.site, shown(&warning));
        }
    }
    Ok(())
}

/// Prints what an edited policy brings along.
fn print_brought(report: &ChangeReport) {
    if !report.brought.is_empty() {
        let verb = if report.dry_run { "would bring" } else { "brought" };
        aside!("note: the edited policy {verb} along: {}", shown(&report.brought.join("; ")));
    }
}

fn print_notes(report: &ChangeReport) {
    print_brought(report);
    if report.dry_run {
        aside!("dry run: nothing changed");
    }
    if !report.repaired.is_empty() {
        let names = report.repaired.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
        aside!("repaired: {names}, now with the newest document");
    }
    for site in report.adoption.iter().flat_map(|adoption| &adoption.replaced) {
        aside!("note: {site}: another operator has changed it since, and Envoy has adopted that newer document");
    }
    let is_lost_on_restart = |change: &SiteChange| {
        let document = change.after.read();
        change.changed && !report.dry_run && document.is_ok_and(|it| it.mode != Mode::Online || !it.windows.is_empty())
    };
    if !report.durable && report.sites.iter().any(is_lost_on_restart) {
        aside!("note: not durable: target \"{}\" only pushes, and an Envoy that restarts forgets it", report.target);
    }
}

fn json_of(report: &ChangeReport, now: Time) -> Result<Value> {
    let site = |change: &SiteChange| {
        let site = site_json(change, now)?;
        Ok(if report.dry_run { with(site, "document", change.after.members().clone()) } else { site })
    };
    let sites = report.sites.iter().map(site).collect::<Result<Vec<Value>>>()?;
    let envoys = report.adoption.as_ref().map(|adoption| {
        let lagging = failure::json(&adoption.lagging);
        let envoys = json!({ "total": adoption.total, "followed": adoption.adopted, "lagging": lagging });
        failure::with_unreached(envoys, &report.unreached)
    });
    let mut answer = json!({ "target": report.target, "sites": sites, "envoys": envoys });
    if report.dry_run {
        answer = with(answer, "dry_run", true);
    }
    if !report.brought.is_empty() {
        answer = with(answer, "brought", json!(report.brought));
    }
    Ok(answer)
}

fn site_json(change: &SiteChange, now: Time) -> Result<Value> {
    let document = change.after.read()?;
    let state = document.at(now);
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    Ok(json!({
        "site": change.site,
        "mode": state.mode().name(),
        "changed": change.changed,
        "since": time(state.since()),
        "until": time(state.until()),
        "eta": time(state.eta()),
        "reason": state.reason(),
        "revision": change.after.revision(),
        "windows": change.after.members().get("windows").cloned().unwrap_or_else(|| json!([])),
    }))
}

/// An object with another member.
fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    object
}

/// Fails unless the change is proven on all Envoys.
pub fn check(report: &ChangeReport) -> Result<()> {
    if let Some(adoption) = report.adoption.as_ref().filter(|adoption| !adoption.lagging.is_empty()) {
        let count = adoption.lagging.len();
        let have = if count == 1 { "has" } else { "have" };
        bail!(ExitError::NotAdopted(format!(
            "{count} of {} Envoys {have} not adopted the change:{}",
            adoption.total,
            failure::lines(&adoption.lagging)
        )));
    }
    if !report.unreached.is_empty() {
        let lines = failure::lines(&report.unreached);
        bail!(ExitError::NotAdopted(format!("every Envoy has adopted it, but not for all connections:{lines}")));
    }
    if let Some(miscount) = &report.miscount {
        bail!(ExitError::NotAdopted(format!("{miscount} (`expect` of target \"{}\")", report.target)));
    }
    if report.is_unverifiable {
        bail!(ExitError::NotAdopted(format!(
            "the file is written, but adoption cannot be verified, because target \"{}\" has no `envoys` (--wait=false \
             skips the verification)",
            report.target
        )));
    }
    Ok(())
}
