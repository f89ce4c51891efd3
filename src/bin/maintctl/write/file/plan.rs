//! The documents that a change writes into the file.

use std::collections::BTreeSet;

use anyhow::Result;
use envoy_maintenance::policy::Policy;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, Edit, SiteChange};
use crate::write::file::next::NextFile;
use crate::write::file::reports::Reports;

/// A planned change of the file.
#[derive(Default)]
pub struct FilePlan {
    pub changes: Vec<SiteChange>,
    /// The documents with a new revision, which Envoys may need by push.
    pub documents: Vec<Draft>,
    /// The selected sites whose state the operator's policy declares. If there are any, no site is changed.
    pub pinned: Vec<String>,
    /// The sites whose adoption proves the change.
    pub proving: Vec<String>,
}

impl FilePlan {
    /// Edits the documents of `sites` in the next version of the file.
    pub fn make(
        next: &mut NextFile,
        target: &Target,
        reports: &Reports,
        sites: &[String],
        edit: &Edit<'_>,
        options: &ChangeOptions,
    ) -> Result<FilePlan> {
        let now = times::time(&times::now());
        let mut plan = FilePlan { proving: sites.to_vec(), ..FilePlan::default() };
        let planner = FilePlanner { target, reports, edit, by: &options.by, now };
        if next.is_new {
            take_over(next, reports, now)?;
        }
        plan.pinned.extend(sites.iter().filter(|site| next.is_pinned(site)).cloned());
        if plan.pinned.is_empty() && !sites.is_empty() {
            let policy = next.compiled()?;
            for site in sites {
                let (change, document) = planner.change(next, site, &rules(&policy, site))?;
                plan.documents.extend(document);
                plan.changes.push(change);
            }
        }
        plan.add_proof(next, reports, now);
        Ok(plan)
    }

    /// Makes sure that an edited policy comes with an entry by which its adoption is proven.
    fn add_proof(&mut self, next: &mut NextFile, reports: &Reports, now: Time) {
        if next.brought.is_empty() {
            // A policy that an earlier command has brought may still not be adopted.
            let newest = next.newest().filter(|site| reports.all_declare(site));
            self.proving.extend(newest.cloned());
        } else {
            if !next.has_new_entry() {
                restamp_one(next, reports, &self.proving, now);
            }
            self.proving.extend(next.newest().cloned());
        }
        self.proving.sort();
        self.proving.dedup();
    }
}

/// The parts of a change that are the same for all of its sites.
struct FilePlanner<'a> {
    target: &'a Target,
    reports: &'a Reports,
    edit: &'a Edit<'a>,
    by: &'a str,
    now: Time,
}

impl FilePlanner<'_> {
    /// The change of a site, whose exempt rules are `rules`, and its document if that has a new revision.
    fn change(&self, next: &mut NextFile, site: &str, rules: &BTreeSet<String>) -> Result<(SiteChange, Option<Draft>)> {
        let FilePlanner { target, reports, edit, by, now } = *self;
        let fleet = target.fleet.as_deref();
        next.require_fleet(fleet)?;
        let in_file = next.document(site);
        // The report of a site that the policy no longer declares is out of date: such a site is online.
        let reported = || reports.base(site).filter(|_| !next.drops_pin(site));
        let current = in_file.clone().or_else(reported);
        let current = current.unwrap_or_else(|| next.new_document(site, fleet));
        let mut change = SiteChange::of(current, site, edit, rules, now)?;
        if in_file.is_none()
            && !next.drops_pin(site)
            && let Err(error) = reports.require_base(site)
        {
            // The end and the reason of a site that stays closed are needed.
            if change.after.read()?.at(now).mode() != Mode::Online {
                return Err(error);
            }
            aside!("warning: {site}: planned windows are lost, because the document that closes it cannot be read");
        }
        let digest = next.expected(site).map(|expected| expected.digest);
        let is_behind = reports.differ(site, digest.as_deref());
        if !change.changed && !is_behind {
            return Ok((change, None));
        }
        let revision = next.next_time(reports.revision(site).max(change.after.revision()), now);
        if change.changed {
            change.after.stamp(&change.before, revision, by);
        } else {
            // The same document again, for Envoys that have another one, or for a file that was restored.
            change.after.restamp(revision);
        }
        // An Envoy that does not watch the file accepts the document by push.
        if let Some(fleet) = fleet {
            change.after.set("fleet", Some(fleet));
        }
        change.after.date(now);
        let after = change.after.read()?;
        next.set(site, &change.after);
        if after.at(now).mode() != Mode::Online {
            next.note_closed(site);
        }
        let document = change.after.clone();
        Ok((change, Some(document)))
    }
}

/// The names of the exempt rules of `site`.
fn rules(policy: &Policy, site: &str) -> BTreeSet<String> {
    let exempt = policy.sites.iter().filter(|known| known.name == site).flat_map(|known| &known.exempt);
    exempt.map(|rule| rule.name.clone()).collect()
}

/// Puts the declared documents that Envoys report into a new file, so that the loss of the old file opens no site.
fn take_over(next: &mut NextFile, reports: &Reports, now: Time) -> Result<()> {
    for site in next.sites() {
        if next.document(&site).is_some() || reports.follow_a_push(&site) {
            continue;
        }
        if let Some(mut document) = reports.base(&site) {
            reports.require_base(&site)?;
            document.restamp(next.next_time(document.revision(), now));
            next.set(&site, &document);
        }
    }
    Ok(())
}

/// True if the change of `sites` depends on the reports of Envoys: if the file has no document of a site, or has one that
/// the edit does not change. Otherwise the file is replaced at once, however long an Envoy takes to respond.
pub fn needs_reports(next: &NextFile, sites: &[String], edit: &Edit<'_>) -> Result<bool> {
    if next.is_new || next.newest().is_none() {
        return Ok(true);
    }
    let unpinned: Vec<&String> = sites.iter().filter(|site| !next.is_pinned(site)).collect();
    if unpinned.is_empty() {
        return Ok(false);
    }
    let (now, policy) = (times::time(&times::now()), next.compiled()?);
    for site in unpinned {
        let Some(document) = next.document(site) else { return Ok(true) };
        if !SiteChange::of(document, site, edit, &rules(&policy, site), now)?.changed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives one document a new revision, preferably that of a named site. Without documents, one site gets its first one, which
/// means the same as the document that Envoys report; preferably a site without a reported document. The report of a site
/// that the policy no longer declares is out of date: such a site is online.
fn restamp_one(next: &mut NextFile, reports: &Reports, named: &[String], now: Time) {
    let own = next.own_documents();
    let sites = next.sites();
    let base = |next: &NextFile, site: &str| reports.base(site).filter(|_| !next.drops_pin(site));
    let mut candidates = named.iter().chain(own.sites()).filter(|site| own.get(site).is_some());
    let mut without = named.iter().chain(&sites).filter(|site| base(next, site).is_none());
    let mut readable = named.iter().chain(&sites).filter(|site| reports.require_base(site).is_ok());
    let Some(site) = candidates.next().or_else(|| without.next()).or_else(|| readable.next()) else {
        aside!(
            "warning: Envoys may still follow the policy before, because the documents that they have cannot be read"
        );
        return;
    };
    let document = next.document(site).or_else(|| base(next, site));
    let mut document = document.unwrap_or_else(|| next.new_document(site, None));
    document.restamp(next.next_time(document.revision().max(reports.revision(site)), now));
    next.set(site, &document);
}
