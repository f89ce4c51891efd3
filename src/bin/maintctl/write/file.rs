//! The file writer: generates the ECDS file that Envoy watches from the operator's policy and the documents in it.
//!
//! The base of a change is the document in the file, or, for a site without one, the newest document that the target's
//! Envoys report. The new document overrides pushed ones in the Envoys that watch the file. Envoys that do not watch it and
//! follow a pushed document get the new one by push.
//!
//! Every change also brings in the operator's policy if that was edited. A worker has adopted the policy when it has adopted
//! an entry of `state` that came with it, so each new policy comes with an entry that has a new revision.

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;

use crate::config::target::{FileTarget, Target};
use crate::document::describe;
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport, Edit};
use crate::write::file::contents::Contents;
use crate::write::file::next::NextFile;
use crate::write::file::plan::FilePlan;
use crate::write::file::reports::Reports;
use crate::write::selection::SiteSelection;

pub mod changes;
pub mod contents;
mod ecds;
mod entries;
mod flow;
mod next;
mod plan;
mod policies;
mod proof;
mod replace;
mod reports;

/// Makes a change in the file, and waits until the target's Envoys have adopted it.
pub fn apply(
    target: &Target,
    files: &FileTarget,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    // Questions to the operator and to Envoys come before the lock, because they may take a long time.
    let next = Contents::read(files).next()?;
    let mut reports = Reports::default();
    if !next.removed().is_empty() {
        reports = Reports::ask(target, options.deadline);
    }
    require_closed_sites(&next, &reports, files, options)?;
    let mut options = options.clone();
    let sites = options.without_the_time_of(|| selection.choose(&next.sites()))?;
    let deadline = options.deadline;
    if !reports.were_asked && plan::needs_reports(&next, &sites, edit)? {
        reports = Reports::ask(target, deadline);
    }
    let lock = options.without_the_time_of(|| replace::lock(&files.file, deadline))?;
    let mut next = Contents::read(files).next()?;
    require_closed_sites(&next, &reports, files, &options)?;
    if let Some(invalid) = &next.invalid {
        aside!("note: {invalid}; {} keeps the policy that Envoy runs", files.file.display());
    }
    let plan = FilePlan::make(&mut next, target, &reports, &sites, edit, &options)?;
    if !options.dry_run {
        next.write()?;
    }
    drop(lock);
    let report = proof::report(target, files, &next, &reports, &plan, &options);
    match plan.pinned.as_slice() {
        [] => Ok(report),
        pinned => bail!(ExitError::Rejected(rejection(pinned, &next, files, &report))),
    }
}

/// Brings the target's Envoys to the documents in the file. The policy in it stays, and so does every mode.
pub fn sync(
    target: &Target,
    files: &FileTarget,
    selection: &SiteSelection,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    let reports = Reports::ask(target, options.deadline);
    let lock = replace::lock(&files.file, options.deadline)?;
    let mut next = Contents::read(files).current()?;
    let mut sites = selection.choose(&next.sites())?;
    let has_document = |site: &str| next.document(site).is_some() || reports.base(site).is_some();
    sites.retain(|site| !next.is_pinned(site) && has_document(site));
    let keep: &Edit<'_> = &|_, _, _| Ok(());
    let plan = FilePlan::make(&mut next, target, &reports, &sites, keep, options)?;
    if !options.dry_run {
        next.write()?;
    }
    drop(lock);
    Ok(proof::report(target, files, &next, &reports, &plan, options))
}

/// Fails if the operator's policy no longer has a site that is closed, unless the operator has confirmed it.
fn require_closed_sites(next: &NextFile, reports: &Reports, files: &FileTarget, options: &ChangeOptions) -> Result<()> {
    let now = times::time(&times::now());
    let mode = |site: &str| next.old_mode(site, now).max(reports.mode(site));
    let mut closed = next.removed().into_iter().filter(|site| mode(site) != Mode::Online);
    let Some(site) = closed.next().filter(|_| !options.yes) else { return Ok(()) };
    bail!(ExitError::Rejected(format!(
        "{site}: {}, and {} no longer has this site, so its requests would pass, or follow another site; if it has a new \
         name, restore the old one and open it first; or add --yes to drop its state; nothing changed",
        describe::label(mode(site)),
        files.policy.display()
    )))
}

/// The message for sites that the operator's policy declares.
fn rejection(pinned: &[String], next: &NextFile, files: &FileTarget, report: &ChangeReport) -> String {
    let now = times::time(&times::now());
    let (file, policy) = (files.file.display(), files.policy.display());
    let mut lines: Vec<String> = pinned
        .iter()
        .map(|site| {
            let mode = describe::label(next.mode(site, now));
            format!(
                "{site}: {mode}, declared by your policy (`state.{site}` in {policy}), which maintctl never edits; change \
                 or remove the entry there, then run `maintctl apply`"
            )
        })
        .collect();
    if !report.brought.is_empty() {
        let was = if report.dry_run { "would be" } else { "was" };
        lines.push(format!("{file} {was} brought up to date: {}", report.brought.join("; ")));
    }
    lines.extend(proof::problem(report));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
