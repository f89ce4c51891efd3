//! The guard of a hold while the command runs: keeps the end of a lease ahead, and takes a hold again that Envoy has
//! forgotten.

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

/// The interval at which holds without a lease are checked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Checks the holds, and moves the end of a lease at every third of it, until `run` returns.
pub fn guard_during<T>(job: &Job<'_>, lease: Option<Duration>, run: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (stop, stopped) = mpsc::channel::<()>();
        scope.spawn(move || guard(job, lease, &stopped));
        let result = run();
        drop(stop);
        result
    })
}

/// Renews the holds until the command has ended. Prints a problem when it begins, changes and ends.
fn guard(job: &Job<'_>, lease: Option<Duration>, stopped: &mpsc::Receiver<()>) {
    let interval = lease.map_or(INTERVAL, |lease| lease / 3);
    let (failed, works) = match lease {
        Some(_) => ("the lease is not renewed", "the lease is renewed everywhere again"),
        None => ("the hold is not confirmed", "the hold is confirmed everywhere again"),
    };
    let mut sites = job.sites();
    let mut printed = None;
    while !sites.is_empty() && stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        let renewed = job.renew(sites.clone(), times::deadline(interval));
        if let Ok((report, states)) = &renewed {
            print_lost(job, report, states);
            sites.retain(|site| states.get(site) != Some(&HoldState::Removed));
        }
        let problem = problem(renewed.map(|(report, _)| report));
        if problem == printed {
            continue;
        }
        match &problem {
            Some(problem) => aside!("warning: {failed}{problem}"),
            None => aside!("note: {works}"),
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
            // The site may open at a fixed end.
            Some(HoldState::Ended) if !job.is_leased() => {}
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

/// The reason why a hold is not renewed everywhere.
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
