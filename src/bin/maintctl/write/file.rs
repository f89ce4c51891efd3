//! The file writer: generates the ECDS file that Envoy watches from the operator's policy and the documents in it.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;
use serde_json::Value;

use crate::config::target::{FileTarget, Target};
use crate::envoys::adoption::ExpectedDocument;
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport, Edit, SiteChange};
use crate::write::file::contents::Contents;
use crate::write::prove::prove;
use crate::write::selection::SiteSelection;

pub mod contents;
mod replace;

/// Makes a change in the file, and waits until the target's Envoys have adopted it.
pub fn apply(
    target: &Target,
    files: &FileTarget,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    // The question comes before the lock, because it may wait for a long time.
    let known = Contents::read(files)?.sites();
    let mut options = options.clone();
    let sites = options.without_the_time_of(|| selection.choose(&known))?;
    let deadline = options.deadline;
    let lock = options.without_the_time_of(|| replace::lock(&files.file, deadline))?;
    let mut contents = Contents::read(files)?;
    let now = times::time(&times::now());
    let mut changes = Vec::new();
    for site in sites {
        let mut change = change_site(&contents, target, files, &site, edit, &options.by, now)?;
        let is_renewed =
            !change.changed && options.wait && renew(&mut change, target, &contents, now, options.deadline);
        if change.changed || is_renewed {
            contents.documents.insert(site, Value::Object(change.after.members().clone()));
        }
        changes.push(change);
    }
    write(files, &contents)?;
    drop(lock);
    let expected: Vec<_> = changes.iter().filter_map(|change| contents.expected(&change.site)).collect();
    Ok(report(target, changes, &expected, &options))
}

fn change_site(
    contents: &Contents,
    target: &Target,
    files: &FileTarget,
    site: &str,
    edit: &Edit<'_>,
    by: &str,
    now: Time,
) -> Result<SiteChange> {
    let (current, declared) = contents.document(site, target.fleet.as_deref());
    if declared {
        bail!(ExitError::Rejected(format!(
            "{site}: declared by your policy (`state.{site}` in {}), which maintctl never edits; change or remove the \
             entry there",
            files.policy.display()
        )));
    }
    let mut change = SiteChange::of(current, site, edit, &contents.rules(site)?, now)?;
    if change.changed {
        change.after.stamp(&change.before, now, by);
        change.after.read()?;
    }
    Ok(change)
}

/// Gives the unchanged document of a site a newer revision if an Envoy has another document, for example because the file was
/// restored from a backup. The file decides, even if Envoy's document is newer. True if the revision has changed.
fn renew(change: &mut SiteChange, target: &Target, contents: &Contents, now: Time, deadline: Instant) -> bool {
    if target.envoys.is_empty() {
        return false;
    }
    let Ok(roll) = target.call(None, deadline) else { return false };
    let digest = contents.expected(&change.site).map(|expected| expected.digest);
    let others = roll.of_site(&change.site).map(|(_, status)| status).filter(|status| status.digest != digest);
    let Some(newest) = others.map(|status| status.revision).max() else { return false };
    change.after.restamp(Time(now.0.max(i64::try_from(newest).map_or(i64::MAX, |newest| newest.saturating_add(1)))));
    true
}

/// Replaces the generated file if its text differs.
fn write(files: &FileTarget, contents: &Contents) -> Result<()> {
    let text = contents.render(files)?;
    if fs::read_to_string(&files.file).ok().as_deref() == Some(&text) {
        return Ok(());
    }
    replace::replace(&files.file, &text).with_context(|| format!("file {}", files.file.display()))?;
    if contents.is_edited {
        aside!("note: {} now contains the changes to {} too", files.file.display(), files.policy.display());
    }
    Ok(())
}

fn report(
    target: &Target,
    sites: Vec<SiteChange>,
    expected: &[ExpectedDocument],
    options: &ChangeOptions,
) -> ChangeReport {
    let wait = options.wait && !sites.is_empty();
    let mut report = ChangeReport {
        target: target.name.clone(),
        sites,
        adoption: None,
        is_unverifiable: wait && target.envoys.is_empty(),
        durable: true,
        miscount: None,
        // The parent of a hot restart reads the file too.
        unreached: Vec::new(),
        repaired: Vec::new(),
        dry_run: options.dry_run,
    };
    if !wait || report.is_unverifiable {
        return report;
    }
    let proof = prove(target, expected, options);
    report.adoption = Some(proof.adoption);
    report.miscount = proof.miscount;
    report
}

#[cfg(test)]
mod tests;
