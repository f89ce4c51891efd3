//! `maintctl sync --watch`: brings Envoys up to date until ^C, and prints one line for each repair and each change of the
//! problem.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::args::SyncArgs;
use crate::config::target::Target;
use crate::envoys::failure;
use crate::envoys::fleet::WaitLimit;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoySite;
use crate::terminal::output::{self, shown};
use crate::terminal::times::{self, deadline};
use crate::write::change::ChangeReport;

/// The pause between two rounds.
const INTERVAL: Duration = Duration::from_secs(5);
/// The time after which Envoys that could not be brought up to date get the documents again. Each attempt may make a new
/// revision, which all Envoys adopt.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// One attempt to bring the Envoys up to date.
pub type Attempt<'a> = &'a dyn Fn(&Target, &SyncArgs) -> Result<ChangeReport>;

/// The Envoys that lack the newest document, with the site and their own document.
type LaggingSites = BTreeSet<(String, String, Option<String>)>;

/// Repeats `sync` until ^C.
pub fn run(target: &Target, args: &SyncArgs, sync: Attempt<'_>) -> Result<ExitCode> {
    let mut watch = Watch { target, args, sync, tried: LaggingSites::new(), tried_at: Instant::now(), problem: None };
    loop {
        for line in watch.round() {
            let time = times::now().timestamp().strftime("%Y-%m-%dT%H:%M:%SZ");
            if !output::out(format_args!("{time} {line}\n"))? {
                // The reader has closed the pipe.
                return Ok(ExitCode::SUCCESS);
            }
        }
        thread::sleep(INTERVAL);
    }
}

struct Watch<'a> {
    target: &'a Target,
    args: &'a SyncArgs,
    sync: Attempt<'a>,
    /// The Envoys that the last attempt did not bring up to date.
    tried: LaggingSites,
    tried_at: Instant,
    problem: Option<String>,
}

impl Watch<'_> {
    /// Brings Envoys up to date if some lag. Returns the lines to print.
    fn round(&mut self) -> Vec<String> {
        let token = self.target.read_token(times::time(&times::now())).ok();
        let roll = self.target.query_once(token.as_deref(), WaitLimit::LastResponse, deadline(self.args.timeout));
        let lagging = lagging(&roll, &self.args.sites);
        let is_new = !lagging.is_subset(&self.tried) || self.tried_at.elapsed() >= AGAIN_AFTER;
        if lagging.is_empty() || !is_new {
            let unread = (!roll.failures.is_empty()).then(|| format!("no status:{}", failure::lines(&roll.failures)));
            // While Envoys lag, the problem of the last attempt remains.
            return if lagging.is_empty() { self.told(unread) } else { Vec::new() };
        }
        (self.tried, self.tried_at) = (lagging, Instant::now());
        let (repaired, problem) = match (self.sync)(self.target, self.args) {
            Ok(report) => (report.repaired.clone(), problem(&report)),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        let repaired = repaired.iter().map(|envoy| format!("repaired: {}", shown(envoy)));
        repaired.chain(self.told(problem)).collect()
    }

    /// The line for a problem that is new, or has ended.
    fn told(&mut self, problem: Option<String>) -> Vec<String> {
        if problem == self.problem {
            return Vec::new();
        }
        self.problem = problem;
        let ended = || "every Envoy has the newest documents".to_owned();
        vec![self.problem.clone().unwrap_or_else(ended)]
    }
}

/// The Envoys that lack the newest document of one of `sites`, or of all sites if none is named.
fn lagging(roll: &Roll, sites: &[String]) -> LaggingSites {
    let names = roll.sites().into_iter().filter(|site| sites.is_empty() || sites.contains(site));
    let of_site = |site: String| {
        let newest = roll.of_site(&site).filter_map(|(_, status)| status.stamp()).max().map(|(_, digest)| digest);
        let lags = |(_, status): &(&EnvoyProcess, &EnvoySite)| {
            !status.is_declared() && newest.is_some_and(|newest| status.digest.as_deref() != Some(newest))
        };
        let entry = |(envoy, status): (&EnvoyProcess, &EnvoySite)| (envoy.name(), site.clone(), status.digest.clone());
        roll.of_site(&site).filter(lags).map(entry).collect::<Vec<_>>()
    };
    names.flat_map(of_site).collect()
}

/// The Envoys that are not up to date, with the reasons.
fn problem(report: &ChangeReport) -> Option<String> {
    let lagging = report.adoption.as_ref().map(|adoption| adoption.lagging.as_slice()).unwrap_or_default();
    let lagging = (!lagging.is_empty()).then(|| format!("not up to date:{}", failure::lines(lagging)));
    lagging.or_else(|| report.miscount.clone())
}
