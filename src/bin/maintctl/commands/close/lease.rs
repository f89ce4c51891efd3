//! The command of `close … -- CMD`, and the lease that keeps the end of the maintenance ahead while it runs.

use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::owner::closed_by_another;
use crate::args::CloseArgs;
use crate::config::target::Target;
use crate::document::edit;
use crate::envoys::failure;
use crate::terminal::signals::Forwarding;
use crate::terminal::times::{self, after};
use crate::write;
use crate::write::change::{self, ChangeOptions, ChangeReport, Edit};
use crate::write::selection::SiteSelection;

/// Runs the command, and renews the lease meanwhile.
pub fn execute(
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
        let status = execute_command(args);
        drop(stop);
        status
    })
}

fn execute_command(args: &CloseArgs) -> Result<ExitStatus> {
    let (program, arguments) = args.command.split_first().context("no command")?;
    let name = || program.to_string_lossy().into_owned();
    let (mut child, _forwarding) = Forwarding::start(Command::new(program).args(arguments)).with_context(name)?;
    child.wait().with_context(name)
}

/// Moves the end at every third of the lease, until the command has ended. Prints a problem when it begins, changes and
/// ends.
fn renew(
    target: &Target,
    selection: &SiteSelection,
    options: &ChangeOptions,
    lease: Duration,
    stopped: &mpsc::Receiver<()>,
) {
    let mut printed = None;
    while stopped.recv_timeout(lease / 3) == Err(RecvTimeoutError::Timeout) {
        let until = after(times::time(&times::now()), lease);
        let edit: &Edit<'_> = &|draft, site, now| match closed_by_another(draft, &options.by, now)? {
            None if edit::end_at(draft, Some(until), now)? => Ok(()),
            None => bail!("{site}: the lease has expired, and the site is open"),
            Some(by) => bail!("{site}: closed by {by} meanwhile"),
        };
        let options = ChangeOptions { wait: false, deadline: change::deadline(lease / 3), ..options.clone() };
        let problem = problem(write::apply(target, selection, edit, &options));
        if problem == printed {
            continue;
        }
        match &problem {
            Some(problem) => aside!("warning: the lease is not renewed{problem}"),
            None => aside!("note: the lease is renewed everywhere again"),
        }
        printed = problem;
    }
}

/// The reason why a lease is not renewed everywhere.
fn problem(report: Result<ChangeReport>) -> Option<String> {
    let report = match report {
        Ok(report) => report,
        Err(error) => return Some(format!(": {error:#}")),
    };
    let lagging = report.adoption.map(|adoption| adoption.lagging).unwrap_or_default();
    if lagging.is_empty() {
        return report.miscount.map(|miscount| format!(": {miscount}"));
    }
    Some(format!(" at:{}", failure::lines(&lagging)))
}
