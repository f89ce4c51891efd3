//! `maintctl close … -- CMD`: takes a hold on each site, runs a command, and releases the holds.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};
use envoy_maintenance::state::Mode;

use super::flags::CloseFlags;
use super::guard;
use super::job::Job;
use crate::args::{CloseArgs, OnFailure};
use crate::commands::answer::{self, AnswerForm};
use crate::commands::{change, program};
use crate::config::target::Target;
use crate::exit::ExitError;
use crate::terminal::signals::Deferral;
use crate::write::change::{ChangeOptions, ChangeReport};
use crate::write::selection::SiteSelection;

pub fn run(target: &Target, selection: &SiteSelection, flags: &CloseFlags, args: &CloseArgs) -> Result<ExitCode> {
    let job = Job::new(target, flags, ChangeOptions::new(&args.how));
    change::confirm(target, selection, &job.take_edit(), &args.how, |change, now| job.taken_line(change, now))?;
    let deferral = Deferral::start();
    let report = match job.take(selection) {
        Ok(report) => report,
        Err(error) => {
            give_up(&job, selection, args, &error);
            return Err(error);
        }
    };
    let taken = answer::finish(&report, AnswerForm::Stderr, |change, now| job.taken_line(change, now));
    if report.dry_run {
        return taken.map(|()| ExitCode::SUCCESS);
    }
    let taken = taken.and_then(|()| job.confirm(&report)).context("the command was not run");
    let status = taken.and_then(|()| execute(&job, args, &deferral));
    let opens = match args.on_failure {
        _ if status.as_ref().is_ok_and(ExitStatus::success) => true,
        Some(OnFailure::Open) => true,
        Some(OnFailure::Stay) => false,
        // The operator has given up before the command began, so there is nothing to look at.
        None => status.is_err() && deferral.signal().is_some(),
    };
    let settled = settle(&job, args, opens);
    program::finish(status, settled, &deferral)
}

/// Runs the command, and guards the holds meanwhile.
fn execute(job: &Job<'_>, args: &CloseArgs, deferral: &Deferral) -> Result<ExitStatus> {
    guard::guard_during(job, args.lease, || program::run(&args.command, deferral))
}

/// Releases the holds, or keeps the sites closed after a failure.
fn settle(job: &Job<'_>, args: &CloseArgs, opens: bool) -> Result<()> {
    let sites = job.sites();
    if sites.is_empty() {
        return Ok(());
    }
    // The timeout starts again.
    let options = ChangeOptions::new(&args.how);
    let report = if opens { job.release(&SiteSelection::of(sites), &options)? } else { job.keep_closed(&options)? };
    let settled = answer::finish(&report, AnswerForm::Stderr, |change, now| job.settled_line(change, now));
    if !opens {
        print_closed(&report)?;
    }
    settled
}

/// Names the sites that stay closed after a failure.
fn print_closed(report: &ChangeReport) -> Result<()> {
    let mut closed = Vec::new();
    for change in &report.sites {
        if change.after.read()?.mode != Mode::Online {
            closed.push(change.site.as_str());
        }
    }
    if !closed.is_empty() {
        let (listed, typed) = (closed.join(", "), closed.join(" "));
        aside!("note: not opened: {listed} (maintctl open {typed}; --on-failure open does it automatically)");
    }
    Ok(())
}

/// Removes the holds that an Envoy may have accepted before the error.
fn give_up(job: &Job<'_>, selection: &SiteSelection, args: &CloseArgs, error: &anyhow::Error) {
    let is_after_a_change =
        matches!(error.downcast_ref(), Some(ExitError::NotAdopted(_) | ExitError::Rejected(_))) && !args.how.dry_run;
    if is_after_a_change {
        let options = ChangeOptions { wait: false, ..ChangeOptions::new(&args.how) };
        // The caller reports the first error, which has the same cause.
        let _ = job.release(&selection.confirmed(), &options);
    }
}
