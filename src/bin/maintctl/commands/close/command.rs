//! `maintctl close … -- CMD`: closes sites, runs a command, and opens the sites if it succeeds.

use std::collections::BTreeMap;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;

use super::flags::{CloseFlags, line};
use super::lease;
use super::owner::{closed_by_another, closed_by_others, earlier_ends};
use crate::args::{CloseArgs, OnFailure};
use crate::commands::answer::{self, AnswerForm};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write;
use crate::write::change::{self, ChangeOptions, ChangeReport, Edit};
use crate::write::selection::SiteSelection;

pub fn run(
    target: &Target,
    selection: &SiteSelection,
    flags: &CloseFlags,
    args: &CloseArgs,
    options: &ChangeOptions,
) -> Result<ExitCode> {
    let started = times::time(&times::now());
    let report = write::apply(target, selection, &close_edit(flags, options), options)?;
    let others = closed_by_others(&report.sites, &options.by)?;
    let sites = report.sites.iter().map(|change| change.site.clone());
    let selection = SiteSelection::of(sites.filter(|site| !others.contains_key(site)).collect());
    let earlier = earlier_ends(&report.sites)?;
    let closed = answer::finish(&report, AnswerForm::Stderr, |change, now| line(change, now, None))
        .and_then(|()| check_not_replaced(&report))
        .context("the command was not run");
    for (site, by) in &others {
        aside!("note: {site} was closed before, by {by}, so it stays closed; to open it: maintctl open {site}");
    }
    let has_run = closed.is_ok();
    let status = closed.and_then(|()| lease::execute(target, &selection, args, options));
    let end = CommandEnd {
        started,
        has_run,
        opens: status.as_ref().is_ok_and(ExitStatus::success) || args.on_failure.unwrap_or_default() == OnFailure::Open,
        is_leased: args.lease.is_some(),
        earlier,
    };
    let settled = end.settle(target, &selection, args, options);
    if !end.opens && !selection.names.is_empty() {
        let (listed, typed) = (selection.names.join(", "), selection.names.join(" "));
        aside!("note: not opened: {listed} (maintctl open {typed}; --on-failure open does it automatically)");
    }
    match (status, settled) {
        (Ok(status), Err(error)) if status.success() => Err(error),
        (status, settled) => {
            if let Err(error) = settled {
                aside!("error: {error:#}");
            }
            status.map(code)
        }
    }
}

/// Fails if a newer document has replaced the change before Envoy adopted it: the site may be open.
fn check_not_replaced(report: &ChangeReport) -> Result<()> {
    match report.adoption.as_ref().and_then(|adoption| adoption.replaced.first()) {
        Some(site) => bail!(ExitError::Rejected(format!(
            "{site}: another operator has changed it meanwhile; see maintctl status {site}"
        ))),
        None => Ok(()),
    }
}

/// Closes sites that are open, or closed by the same operator.
fn close_edit<'e>(
    flags: &'e CloseFlags,
    options: &'e ChangeOptions,
) -> impl Fn(&mut crate::document::draft::Draft, &str, Time) -> Result<()> + 'e {
    |draft, site, now| match closed_by_another(draft, &options.by, now)? {
        None => edit::close(draft, &flags.at(now), now),
        Some(_) if draft.read()?.at(now).mode() >= flags.mode() => Ok(()),
        Some(by) => bail!(ExitError::Rejected(format!(
            "{site} is already read_only, by {by}; a command does not change a site that another operator has closed; \
             nothing changed"
        ))),
    }
}

/// The result of the command.
struct CommandEnd {
    started: Time,
    has_run: bool,
    /// True if the sites are opened.
    opens: bool,
    is_leased: bool,
    /// The sites that were closed before the command, with their ends at that time.
    earlier: BTreeMap<String, Option<Time>>,
}

impl CommandEnd {
    /// Opens the sites, or restores the ends that the lease has replaced.
    fn settle(
        &self,
        target: &Target,
        selection: &SiteSelection,
        args: &CloseArgs,
        options: &ChangeOptions,
    ) -> Result<()> {
        if selection.names.is_empty() || !self.opens && !self.is_leased {
            return Ok(());
        }
        let edit: &Edit<'_> = &|draft, site, now| {
            if closed_by_another(draft, &options.by, now)?.is_some() {
                return Ok(());
            }
            let earlier = self.earlier.get(site);
            // Without a run, a site that was closed before stays closed.
            if self.opens && (self.has_run || earlier.is_none()) {
                return edit::reopen(draft, self.started, now);
            }
            if self.is_leased {
                // An end that has passed meanwhile would open the site of a failed command.
                return edit::end_at(draft, earlier.copied().flatten().filter(|until| *until > now), now).map(drop);
            }
            Ok(())
        };
        // The timeout starts again.
        let options = ChangeOptions { deadline: change::deadline(args.how.timeout), ..options.clone() };
        let report = write::apply(target, selection, edit, &options)?;
        answer::finish(&report, AnswerForm::Stderr, |change, now| {
            let by = closed_by_another(&change.after, &options.by, times::time(now))?;
            let by = by.map(|by| format!(", by {by} meanwhile")).unwrap_or_default();
            answer::line(change, now, |after| format!("{}{by}", describe::already_text(after, now)))
        })
    }
}

/// The status of the command. The end by a signal is shown as a shell does.
fn code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let number = status.code().or(signal.map(|signal| 128 + signal));
    ExitCode::from(number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1))
}
