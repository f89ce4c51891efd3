//! `maintctl open … -- CMD`: opens sites while a command runs, and then restores their previous state.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;
use jiff::Zoned;

use super::site_answer::line;
use crate::args::OpenArgs;
use crate::commands::answer::{self, AnswerForm};
use crate::commands::{change, program};
use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::document::restore::Closure;
use crate::document::{describe, edit, hold};
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::signals::Deferral;
use crate::terminal::times;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, SiteChange};
use crate::write::selection::SiteSelection;

pub fn run(target: &Target, selection: &SiteSelection, args: &OpenArgs) -> Result<ExitCode> {
    let line = |change: &SiteChange, now: &Zoned| line(change, now, None);
    change::confirm(target, selection, &open_edit, &args.how, line)?;
    let deferral = Deferral::start();
    let report = write::apply(target, selection, &open_edit, &ChangeOptions::new(&args.how))?;
    let opened = answer::finish(&report, AnswerForm::Stderr, line);
    if report.dry_run {
        return opened.map(|()| ExitCode::SUCCESS);
    }
    let closures = closures(&report)?;
    let status = opened.context("the command was not run").and_then(|()| program::run(&args.command, &deferral));
    let restored = restore(target, &closures, args);
    program::finish(status, restored, &deferral)
}

/// Opens a site that no running command holds closed.
fn open_edit(draft: &mut Draft, site: &str, now: Time) -> Result<()> {
    let document = draft.read()?;
    if hold::live(&document, now).next().is_some() {
        bail!(ExitError::Rejected(format!(
            "{site}: {}; a site that a running command needs closed is not opened for another command; nothing changed (to \
             override it: maintctl open {site})",
            shown(&describe::holds_text(&document, &times::now()))
        )));
    }
    edit::open(draft, now)
}

/// The modes that the change has ended, by site.
fn closures(report: &ChangeReport) -> Result<BTreeMap<String, Closure>> {
    let mut closures = BTreeMap::new();
    for change in report.sites.iter().filter(|change| change.changed) {
        if let Some(closure) = Closure::of(&change.before, &change.after)? {
            closures.insert(change.site.clone(), closure);
        }
    }
    Ok(closures)
}

/// Closes the sites again as they were closed before.
fn restore(target: &Target, closures: &BTreeMap<String, Closure>, args: &OpenArgs) -> Result<()> {
    if closures.is_empty() {
        return Ok(());
    }
    let edit = |draft: &mut Draft, site: &str, now: Time| match closures.get(site) {
        Some(closure) => closure.restore(draft, now).map(drop),
        None => Ok(()),
    };
    // The timeout starts again.
    let selection = SiteSelection::of(closures.keys().cloned().collect());
    let report = write::apply(target, &selection, &edit, &ChangeOptions::new(&args.how))?;
    answer::finish(&report, AnswerForm::Stderr, |change, now| {
        let text = answer::line(change, now, |after| describe::already_text(after, now))?;
        if change.changed {
            return Ok(format!("{text} (restored)"));
        }
        let by = change.after.read()?.by.map(|by| format!(", by {by}")).unwrap_or_default();
        let is_over = closures.get(&change.site).is_some_and(|closure| closure.is_over(times::time(now)));
        let reason = if is_over { "its maintenance has ended".to_owned() } else { format!("changed meanwhile{by}") };
        Ok(format!("{text}; not restored: {reason}"))
    })
}
