//! The documents that a change writes into the file.

use anyhow::Result;
use envoy_maintenance::time::Time;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, Edit, SiteChange};
use crate::write::file::next::NextFile;
use crate::write::file::others::SiteDocument;
use crate::write::file::reports::Reports;

/// A planned change of the file.
#[derive(Default)]
pub struct FilePlan {
    pub changes: Vec<SiteChange>,
    /// The documents with a new revision, which Envoys may need by push.
    pub documents: Vec<SiteDocument>,
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
        plan.pinned.extend(sites.iter().filter(|site| next.is_pinned(site)).cloned());
        if plan.pinned.is_empty() {
            for site in sites {
                plan.change(next, target, reports, site, edit, (options, now))?;
            }
        }
        plan.add_proof(next, reports, now);
        Ok(plan)
    }

    fn change(
        &mut self,
        next: &mut NextFile,
        target: &Target,
        reports: &Reports,
        site: &str,
        edit: &Edit<'_>,
        (options, now): (&ChangeOptions, Time),
    ) -> Result<()> {
        let fleet = target.fleet.as_deref();
        let in_file = next.document(site);
        let current = in_file.clone().or_else(|| reports.base(site));
        let current = current.unwrap_or_else(|| next.new_document(site, fleet));
        if in_file.is_none() {
            reports.require_base(site)?;
        }
        let mut change = SiteChange::of(current, site, edit, &next.rules(site)?, now)?;
        let digest = next.expected(site).map(|expected| expected.digest);
        let is_behind = reports.differ(site, digest.as_deref());
        if change.changed || is_behind {
            let revision = next.next_time(reports.revision(site).max(change.after.revision()), now);
            if change.changed {
                change.after.stamp(&change.before, revision, &options.by);
            } else {
                // The same document again, for Envoys that have another one, or for a file that was restored.
                change.after.restamp(revision);
            }
            if reports.follow_a_push(site) {
                change.after.set("fleet", fleet);
                change.after.date(now);
            }
            change.after.read()?;
            next.set(site, &change.after);
            self.documents.push(SiteDocument { site: site.to_owned(), draft: change.after.clone() });
        }
        self.changes.push(change);
        Ok(())
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

/// Gives one document a new revision, preferably that of a named site. Without documents, one site without a pushed document
/// gets its first one, which says that it is online.
fn restamp_one(next: &mut NextFile, reports: &Reports, named: &[String], now: Time) {
    let own = next.own_documents();
    let site = named.iter().chain(own.sites()).find(|site| own.get(site).is_some()).cloned();
    let sites = next.sites();
    let is_free = |site: &&String| !reports.follow_a_push(site) && reports.base(site).is_none();
    let site = site.or_else(|| named.iter().chain(&sites).find(is_free).cloned());
    let Some(site) = site else { return };
    let mut document: Draft = next.document(&site).unwrap_or_else(|| next.new_document(&site, None));
    document.restamp(next.next_time(document.revision().max(reports.revision(&site)), now));
    next.set(&site, &document);
}
