//! The proof that the target's Envoys have adopted the file.

use std::time::{Duration, Instant};

use crate::config::target::{FileTarget, Target};
use crate::envoys::adoption::{self, Adoption, ExpectedDocument};
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::roll::EnvoyProcess;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport};
use crate::write::file::next::NextFile;
use crate::write::file::others;
use crate::write::file::plan::FilePlan;
use crate::write::file::reports::{Reports, follows_a_push};

/// The time to ask an Envoy for the document that it follows instead.
const CAUSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Brings the Envoys up to date that do not read the file, and waits until all have adopted the documents.
pub fn prove(
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
        // The parent of a hot restart reads the file too.
        unreached: Vec::new(),
        repaired: Vec::new(),
        brought: next.brought.clone(),
        dry_run: options.dry_run,
    };
    if options.dry_run || target.envoys.is_empty() {
        return report;
    }
    let rejected = others::push(target, &reports.roll, &plan.documents, options.deadline);
    if !wait {
        return report;
    }
    if let Some(error) = &reports.error {
        // The file is written nevertheless.
        let unread = EnvoyFailure::new("envoys", EnvoyError::Unexpected(error.clone()));
        report.adoption = Some(Adoption { total: target.envoys.len(), lagging: vec![unread], ..Adoption::default() });
        return report;
    }
    let roll = &reports.roll;
    roll.warn(times::time(&times::now()));
    let mut adoption = adoption::wait(roll, &expected, options.deadline);
    for failure in &mut adoption.lagging {
        let envoy = roll.envoys.iter().find(|envoy| envoy.name() == failure.name);
        let rejected = rejected.iter().find(|rejected| rejected.name == failure.name);
        if let Some(cause) = envoy.and_then(|envoy| cause(envoy, &expected, files, rejected)) {
            failure.error = EnvoyError::Unexpected(cause);
        }
    }
    let is_adopted = |envoy: &&EnvoyProcess| !adoption.lagging.iter().any(|failure| failure.name == envoy.name());
    let lacked = |envoy: &&EnvoyProcess| plan.proving.iter().any(|site| has_lacked(envoy, site, next));
    report.repaired = roll.envoys.iter().filter(lacked).filter(is_adopted).map(EnvoyProcess::name).collect();
    report.adoption = Some(adoption);
    report.miscount = roll.miscount.clone();
    report
}

/// True if an Envoy lacked the document of `site` that the file had before the command.
fn has_lacked(envoy: &EnvoyProcess, site: &str, next: &NextFile) -> bool {
    let (Some(old), Some(status)) = (next.old_document(site), envoy.status.site(site)) else { return false };
    status.digest.as_deref() != Some(&old.digest)
}

/// The cause by which an Envoy follows another document than an expected one; `None` if its workers are only late.
fn cause(
    envoy: &EnvoyProcess,
    expected: &[ExpectedDocument],
    files: &FileTarget,
    rejected: Option<&EnvoyFailure>,
) -> Option<String> {
    let status = envoy.ask(None, Instant::now() + CAUSE_TIMEOUT).ok()?;
    let (site, mode) = expected.iter().find_map(|expected| {
        let site = status.site(&expected.site)?;
        (site.digest.as_deref() != Some(&expected.digest)).then(|| (site, site.mode.to_uppercase()))
    })?;
    let (name, file) = (&site.site, files.file.display());
    let advice = format!("this Envoy watches another file than {file}, or has rejected it (see its log)");
    Some(if follows_a_push(site) {
        let rejected =
            rejected.map(|rejected| format!("; it does not accept the new document by push: {}", rejected.error));
        let rejected = rejected.unwrap_or_default();
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
