//! The proof that the target's Envoys have adopted the file.

use std::time::{Duration, Instant};

use anyhow::{Error, Result};

use crate::config::target::{FileTarget, Target};
use crate::envoys::adoption::{Adoption, ExpectedDocument};
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::StopWatch;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::roll::EnvoyProcess;
use crate::envoys::status::EnvoyStatus;
use crate::terminal::output::shown;
use crate::write::change::{ChangeOptions, ChangeReport};
use crate::write::envoy_warnings;
use crate::write::file::flow::FileFlow;
use crate::write::file::next::NextFile;
use crate::write::file::plan::FilePlan;
use crate::write::file::reports::{Reports, follows_a_push};

/// The time to find out whether several Envoys share an address.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(2);
/// The start of the line on a terminal.
const TITLE: &str = "waiting for Envoy";

/// Brings the Envoys up to date that do not read the file, and waits until all have adopted the documents.
pub fn report(
    target: &Target,
    files: &FileTarget,
    next: &NextFile,
    reports: &Reports,
    plan: &FilePlan,
    options: &ChangeOptions,
) -> ChangeReport {
    let expected: Vec<ExpectedDocument> = plan.proving.iter().filter_map(|site| next.expected(site)).collect();
    let wait = options.wait && !options.dry_run && !plan.proving.is_empty();
    let mut report = ChangeReport {
        target: target.name.clone(),
        sites: plan.changes.clone(),
        adoption: None,
        is_unverifiable: wait && target.envoys.is_empty(),
        durable: true,
        miscount: None,
        clock_lead: Duration::ZERO,
        // The parent of a hot restart reads the file too.
        unreached: Vec::new(),
        repaired: Vec::new(),
        brought: next.brought.iter().map(ToString::to_string).collect(),
        dry_run: options.dry_run,
    };
    if options.dry_run || target.envoys.is_empty() {
        return report;
    }
    let watch = StopWatch::start();
    let mut flow = FileFlow::new(&target.envoys, expected.clone(), wait, watch.until(options.deadline));
    let unsigned = sign(target, plan, &mut flow).err();
    let result = target.exchange(&watch, &|| None, options.deadline).run(&mut flow, TITLE);
    if !wait {
        return report;
    }
    let roll = flow.fleet.known();
    let mut adoption = flow.fleet.adoption();
    if let Err(error) = result {
        // The file is written nevertheless.
        let unread = EnvoyFailure::new("envoys", EnvoyError::Unexpected(format!("{error:#}")));
        adoption = Adoption { total: target.envoys.len(), lagging: vec![unread], ..Adoption::default() };
    }
    flow.fleet.notes.iter().for_each(|note| aside!("note: {}", shown(note)));
    envoy_warnings::print(&roll);
    explain(&mut adoption, &flow, target, &|status, error| cause(status, &expected, files, error, unsigned.as_ref()));
    let is_adopted = |envoy: &&EnvoyProcess| !adoption.lagging.iter().any(|failure| failure.name == envoy.name());
    let lacked = |envoy: &&EnvoyProcess| plan.proving.iter().any(|site| has_lacked(envoy, site, next));
    report.repaired = reports.roll.envoys.iter().filter(lacked).filter(is_adopted).map(EnvoyProcess::name).collect();
    report.adoption = Some(adoption);
    report.miscount = target.miscount(&roll);
    report.clock_lead = roll.clock_lead();
    report
}

/// Replaces the errors of Envoys that follow another document by the causes.
fn explain(
    adoption: &mut Adoption,
    flow: &FileFlow,
    target: &Target,
    cause: &dyn Fn(&EnvoyStatus, &EnvoyError) -> Option<String>,
) {
    let mut has_cause = false;
    for failure in &mut adoption.lagging {
        let peer = flow.fleet.peers.iter().find(|peer| peer.name() == failure.name);
        if let Some(cause) = peer.and_then(|peer| cause(peer.status.as_ref()?, &failure.error)) {
            failure.error = EnvoyError::Unexpected(cause);
            has_cause = true;
        }
    }
    // The file may also reach only some of the Envoys behind a load balancer.
    let identity = has_cause.then(|| target.query(None, Instant::now() + IDENTITY_TIMEOUT));
    if let Some(Err(error)) = identity {
        adoption.lagging = vec![EnvoyFailure::new("envoys", EnvoyError::Unexpected(format!("{error:#}")))];
    }
}

/// Signs the documents for the Envoys that need them by push. Most Envoys watch the file, so a missing key is no error
/// yet.
fn sign(target: &Target, plan: &FilePlan, flow: &mut FileFlow) -> Result<()> {
    let (key, _) = target.signer()?;
    plan.documents.iter().try_for_each(|document| flow.add(document, key))
}

/// True if an Envoy lacked the document of `site` that the file had before the command.
fn has_lacked(envoy: &EnvoyProcess, site: &str, next: &NextFile) -> bool {
    let (Some(old), Some(status)) = (next.old_document(site), envoy.status.site(site)) else { return false };
    status.digest.as_deref() != Some(&old.digest)
}

/// The cause by which an Envoy follows another document than an expected one; `None` if its workers are only late.
fn cause(
    status: &EnvoyStatus,
    expected: &[ExpectedDocument],
    files: &FileTarget,
    error: &EnvoyError,
    unsigned: Option<&Error>,
) -> Option<String> {
    if matches!(error, EnvoyError::SharedAddress(_) | EnvoyError::Unreachable(_)) {
        return None;
    }
    let file = files.file.display();
    let advice = format!("this Envoy watches another file than {file}, or has rejected it (see its log)");
    if let Some(absent) = expected.iter().find(|expected| status.site(&expected.site).is_none()) {
        let name = &absent.site;
        return Some(format!("has no site \"{name}\": {advice}, or its listeners differ in `vm_id` or `fleet`"));
    }
    let (site, mode) = expected.iter().find_map(|expected| {
        let site = status.site(&expected.site)?;
        (site.digest.as_deref() != Some(&expected.digest)).then(|| (site, site.mode.to_uppercase()))
    })?;
    let name = &site.site;
    Some(if follows_a_push(site) {
        let rejected = match (error, unsigned) {
            (EnvoyError::Rejected { .. }, _) => format!("; it does not accept the new document by push: {error}"),
            (_, Some(unsigned)) => format!("; the new document cannot be pushed: {unsigned:#}"),
            _ => String::new(),
        };
        format!("{name}: {mode} by a pushed document, because its policy has no `state.{name}`: {advice}{rejected}")
    } else if site.is_declared() {
        format!("{name}: {mode}, declared by another policy (`state.{name}`): {advice}")
    } else {
        format!("{name}: {mode} without a document: {advice}")
    })
}

/// The Envoys that have not adopted the file, as lines.
pub fn problem(report: &ChangeReport) -> Option<String> {
    let adoption = report.adoption.as_ref().filter(|adoption| !adoption.lagging.is_empty())?;
    let lines = failure::lines(&adoption.lagging);
    Some(format!("{} of {} Envoys have not adopted the file:{lines}", adoption.lagging.len(), adoption.total))
}
