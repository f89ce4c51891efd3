//! `maintctl close … -- CMD`: closes, runs a command, and opens if it succeeded. A lease keeps the end of the
//! maintenance a little ahead meanwhile, so that the site opens if whoever runs this dies.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;

use crate::args::CloseArgs;
use crate::args::change::OnFailure;
use crate::commands::answer::{self, Answers};
use crate::commands::close::flags::CloseFlags;
use crate::commands::close::line;
use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::document::{describe, edit};
use crate::envoys::failure::missing_lines;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::signals::Passing;
use crate::terminal::times::{self, after};
use crate::write;
use crate::write::change::{self, ChangeOptions, ChangeReport, Edit, SiteChange};
use crate::write::selection::SiteSelection;

pub fn run(
    target: &Target,
    selection: &SiteSelection,
    flags: &CloseFlags,
    args: &CloseArgs,
    options: &ChangeOptions,
) -> Result<ExitCode> {
    let started = times::time(&times::now());
    let edit: &Edit<'_> = &|draft, site, now| match closed_by_another(draft, &options.by, now)? {
        None => edit::close(draft, &flags.at(now), now),
        Some(_) if draft.read()?.at(now).mode() >= flags.said.mode => Ok(()),
        Some(by) => bail!(ExitError::Rejected(format!(
            "{site} is read_only already, by {by}, and what others have closed is not changed for a command; nothing changed"
        ))),
    };
    let report = write::apply(target, selection, edit, options)?;
    let others = of_others(&report.outcomes, &options.by)?;
    let sites = report.outcomes.iter().map(|outcome| outcome.site.clone());
    let sites: Vec<String> = sites.filter(|site| !others.contains_key(site)).collect();
    let earlier = earlier_ends(&report.outcomes)?;
    let closed = answer::finish(&report, Answers::Aside, |outcome, now| line(outcome, now, None))
        .context("the command was not run");
    for (site, by) in &others {
        aside!("note: {site} was closed before, by {by}, so it stays closed: maintctl open {site} opens it");
    }
    let selection = SiteSelection::of(sites);
    let has_run = closed.is_ok();
    let status = closed.and_then(|()| execute_leased(target, &selection, args, options));
    // What follows has a time of its own.
    let options = ChangeOptions { deadline: change::deadline(args.how.timeout), ..options.clone() };
    let succeeded = status.as_ref().is_ok_and(ExitStatus::success);
    let reopen = succeeded || args.on_failure.unwrap_or_default() == OnFailure::Open;
    let edit: &Edit<'_> = &|draft, site, now| {
        let before = earlier.get(site);
        if closed_by_another(draft, &options.by, now)?.is_some() {
            return Ok(());
        }
        match args.lease {
            // Where the command has not run, what was closed before is not to be opened either.
            _ if reopen && (has_run || before.is_none()) => edit::reopen(draft, started, now),
            // An end that has passed meanwhile would open what has failed.
            Some(_) => edit::end_at(draft, before.copied().flatten().filter(|until| *until > now), now).map(drop),
            None => Ok(()),
        }
    };
    let settled = match (reopen || args.lease.is_some()) && !selection.names.is_empty() {
        true => settle(target, &selection, edit, &options),
        false => Ok(()),
    };
    if !reopen && !selection.names.is_empty() {
        let (listed, typed) = (selection.names.join(", "), selection.names.join(" "));
        aside!("note: not opened: {listed} (maintctl open {typed}; with --on-failure open it would be)");
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

/// Makes the change that the end of the command asks for, and tells it.
fn settle(target: &Target, selection: &SiteSelection, edit: &Edit<'_>, options: &ChangeOptions) -> Result<()> {
    let report = write::apply(target, selection, edit, options)?;
    answer::finish(&report, Answers::Aside, |outcome, now| {
        let by = closed_by_another(&outcome.after, &options.by, times::time(now))?;
        let by = by.map(|by| format!(", by {by} meanwhile")).unwrap_or_default();
        answer::line(outcome, now, |after| format!("{}{by}", describe::already_text(after, now)))
    })
}

/// The sites that were closed before, with the ends that they had then.
fn earlier_ends(outcomes: &[SiteChange]) -> Result<BTreeMap<String, Option<Time>>> {
    let now = times::time(&times::now());
    let mut ends = BTreeMap::new();
    for SiteChange { site, before, .. } in outcomes {
        let document = before.read()?;
        let situation = document.at(now);
        if situation.mode() != Mode::Online {
            ends.insert(site.clone(), situation.until());
        }
    }
    Ok(ends)
}

/// The sites that somebody else had closed before, with who did. They are not this command's to open.
fn of_others(outcomes: &[SiteChange], own: &str) -> Result<BTreeMap<String, String>> {
    let now = times::time(&times::now());
    let mut others = BTreeMap::new();
    for SiteChange { site, before, .. } in outcomes {
        if let Some(by) = closed_by_another(before, own, now)? {
            others.insert(site.clone(), by);
        }
    }
    Ok(others)
}

fn closed_by_another(draft: &Draft, own: &str, now: Time) -> Result<Option<String>> {
    let document = draft.read()?;
    let is_closed = document.at(now).mode() != Mode::Online;
    Ok(document.by.filter(|by| is_closed && by != own).map(|by| shown(&by)))
}

/// Runs the command, and renews the lease meanwhile.
fn execute_leased(
    target: &Target,
    selection: &SiteSelection,
    args: &CloseArgs,
    options: &ChangeOptions,
) -> Result<ExitStatus> {
    thread::scope(|scope| {
        let (stop, stopped) = mpsc::channel::<()>();
        if let Some(lease) = args.lease.filter(|_| !selection.names.is_empty()) {
            scope.spawn(move || renew(target, selection, options, lease, &stopped));
        }
        let status = execute(args);
        drop(stop);
        status
    })
}

fn execute(args: &CloseArgs) -> Result<ExitStatus> {
    let (program, arguments) = args.command.split_first().context("no command")?;
    let named = || program.to_string_lossy().into_owned();
    let (mut child, _passing) = Passing::start(Command::new(program).args(arguments)).with_context(named)?;
    child.wait().with_context(named)
}

/// Moves the end on, at every third of the lease, until the command has ended. What keeps it from that is told when it
/// begins, changes and ends.
fn renew(
    target: &Target,
    selection: &SiteSelection,
    options: &ChangeOptions,
    lease: Duration,
    stopped: &mpsc::Receiver<()>,
) {
    let mut told = None;
    while stopped.recv_timeout(lease / 3) == Err(RecvTimeoutError::Timeout) {
        let until = after(times::time(&times::now()), lease);
        let edit: &Edit<'_> = &|draft, site, now| match closed_by_another(draft, &options.by, now)? {
            None if edit::end_at(draft, Some(until), now)? => Ok(()),
            None => bail!("{site}: it has run out, and the site is open"),
            Some(by) => bail!("{site}: closed by {by} meanwhile"),
        };
        let options = ChangeOptions { by: options.by.clone(), wait: false, deadline: change::deadline(lease / 3) };
        let trouble = not_renewed(write::apply(target, selection, edit, &options));
        match &trouble {
            _ if trouble == told => {}
            Some(trouble) => aside!("warning: the lease is not renewed{trouble}"),
            None => aside!("note: the lease is renewed everywhere again"),
        }
        told = trouble;
    }
}

/// Where a lease is not renewed, and why.
fn not_renewed(report: Result<ChangeReport>) -> Option<String> {
    let report = match report {
        Ok(report) => report,
        Err(error) => return Some(format!(": {error:#}")),
    };
    let lagging = report.following.map(|following| following.lagging).unwrap_or_default();
    match lagging.is_empty() {
        true => report.miscounted.map(|miscounted| format!(": {miscounted}")),
        false => Some(format!(" at:{}", missing_lines(&lagging))),
    }
}

/// The command's own status; one that a signal ended is shown as a shell would.
fn code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let number = status.code().or(signal.map(|signal| 128 + signal));
    ExitCode::from(number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1))
}
