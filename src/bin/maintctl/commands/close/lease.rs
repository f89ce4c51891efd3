//! The lease, which keeps the end of a hold ahead while the command runs.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::job::Job;
use crate::document::hold::HoldState;
use crate::envoys::failure;
use crate::terminal::times;
use crate::write::change::ChangeReport;

/// Moves the end of the holds at every third of the lease, until `run` returns.
pub fn renew_during<T>(job: &Job<'_>, lease: Duration, run: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (stop, stopped) = mpsc::channel::<()>();
        scope.spawn(move || renew(job, lease, &stopped));
        let result = run();
        drop(stop);
        result
    })
}

/// Renews the lease until the command has ended. Prints a problem when it begins, changes and ends.
fn renew(job: &Job<'_>, lease: Duration, stopped: &mpsc::Receiver<()>) {
    let mut sites = job.sites();
    let mut printed = None;
    while !sites.is_empty() && stopped.recv_timeout(lease / 3) == Err(RecvTimeoutError::Timeout) {
        let renewed = job.renew(sites.clone(), times::deadline(lease / 3));
        if let Ok((report, states)) = &renewed {
            print_lost(job, report, states);
            sites.retain(|site| states.get(site) != Some(&HoldState::Removed));
        }
        let problem = problem(renewed.map(|(report, _)| report));
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

/// Names the sites whose hold was lost. Only a hold that an operator has removed is not taken again.
fn print_lost(job: &Job<'_>, report: &ChangeReport, states: &BTreeMap<String, HoldState>) {
    let id = job.id();
    for change in &report.sites {
        let site = &change.site;
        match states.get(site) {
            None | Some(HoldState::Live) => {}
            Some(HoldState::Ended) => {
                aside!(
                    "warning: {site}: the lease had expired, so that the site may have been open; hold {id} taken again"
                );
            }
            Some(HoldState::Forgotten) => {
                aside!("note: {site}: Envoy had forgotten hold {id}, probably by a restart; taken again");
            }
            Some(HoldState::Removed) => {
                let lost = job.lost_text(change, &times::now()).unwrap_or_default();
                aside!("warning: {site}: {lost}; it is not taken again");
            }
        }
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
