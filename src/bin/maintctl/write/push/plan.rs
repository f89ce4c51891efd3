//! The documents that a push sends.

use anyhow::{Result, bail};
use envoy_maintenance::state::Head;
use envoy_maintenance::time::Time;

use crate::config::keys::SigningKey;
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::write::change::{Edit, SiteChange};

/// The maximum age of a document that is sent again as it is, in milliseconds. Envoys accept documents for five minutes;
/// the rest is a reserve for clocks.
const MAX_AGE: u64 = 4 * 60 * 1000;

/// The order of documents: the revision, then the digest.
pub type DocumentStamp = (u64, String);

/// The means to plan changes.
pub struct Planner<'a> {
    pub key: &'a SigningKey,
    pub fleet: &'a str,
    pub by: &'a str,
    pub edit: &'a Edit<'a>,
}

/// The document of one site.
#[derive(Clone, Debug)]
pub struct SitePlan {
    pub change: SiteChange,
    /// The newest document, on which the plan is based; `None` if the site has none.
    pub base: Option<DocumentStamp>,
    /// The document that every Envoy has to adopt; `None` if the site has no document and needs none.
    pub expected: Option<ExpectedDocument>,
    /// The signed form; `None` if every Envoy has the document.
    pub signed: Option<String>,
    /// True if the plan has made the expected document, so that no Envoy had it before.
    pub is_new: bool,
}

/// The documents that earlier plans for the same change have made.
#[derive(Clone, Debug, Default)]
pub struct OwnDocuments(pub Vec<DocumentStamp>);

impl OwnDocuments {
    pub fn contain(&self, digest: Option<&str>) -> bool {
        self.0.iter().any(|(_, own)| Some(own.as_str()) == digest)
    }
}

impl Planner<'_> {
    /// Edits the newest document of `site` that is not one of `own`, or, without `edits`, prepares it for the Envoys that
    /// lack it. A document that it makes is newer than all documents.
    pub fn plan(&self, roll: &Roll, site: &str, own: &OwnDocuments, edits: bool, now: Time) -> Result<SitePlan> {
        if let Some((envoy, status)) = roll.of_site(site).find(|(_, status)| status.is_declared()) {
            let place = format!("{}, where it is {}", envoy.name(), status.mode.to_uppercase());
            bail!(ExitError::Rejected(declared(site, &shown(&place))));
        }
        let (current, base) = newest(roll, site, self.fleet, own)?;
        let rules = roll.of_site(site).flat_map(|(_, status)| &status.details.bypassed.0).map(|(rule, _)| rule.clone());
        let rules = rules.collect();
        let keep: &Edit<'_> = &|_, _, _| Ok(());
        let edit = if edits { self.edit } else { keep };
        let mut change = SiteChange::of(current.clone(), site, edit, &rules, now)?;
        let above = above_all(roll, site, own, now);
        if change.changed {
            change.after.stamp(&change.before, above, self.by);
            change.after.set("fleet", Some(self.fleet));
            change.after.date(now);
            let document = change.after.clone();
            return self.made(change, base, &document);
        }
        let Some((revision, digest)) = base.clone() else {
            return Ok(SitePlan { change, base, expected: None, signed: None, is_new: false });
        };
        let all_have_it = roll.of_site(site).all(|(_, status)| status.digest.as_deref() == Some(&digest));
        let is_newest = own.0.iter().all(|own| *own < (revision, digest.clone()));
        let is_repeatable = is_newest && digest == current.digest()?.to_string() && is_young(&current, now);
        if !all_have_it && !is_repeatable {
            // Envoys would reject it as too old, another program has serialized it differently, or some Envoys already
            // have a newer document of this change.
            let mut successor = current;
            successor.restamp(above);
            successor.date(now);
            return self.made(change, base, &successor);
        }
        let signed = (!all_have_it).then(|| current.payload()).transpose()?;
        let signed = signed.map(|payload| self.key.sign_document(&payload));
        let expected = Some(expect(site, (revision, digest, current.read()?)));
        Ok(SitePlan { change, base, expected, signed, is_new: false })
    }

    /// The plan of a new document.
    fn made(&self, change: SiteChange, base: Option<DocumentStamp>, document: &Draft) -> Result<SitePlan> {
        let stamp = (document.revision(), document.digest()?.to_string(), document.read()?);
        let expected = Some(expect(&change.site, stamp));
        let signed = Some(self.key.sign_document(&document.payload()?));
        Ok(SitePlan { change, base, expected, signed, is_new: true })
    }
}

/// The time that gives a document a greater revision than all documents of the site.
fn above_all(roll: &Roll, site: &str, own: &OwnDocuments, now: Time) -> Time {
    let known = roll.of_site(site).map(|(_, status)| status.revision);
    let newest = known.chain(own.0.iter().map(|(revision, _)| *revision)).max().unwrap_or(0);
    Time(now.0.max(i64::try_from(newest.saturating_add(1)).unwrap_or(i64::MAX)))
}

fn expect(
    site: &str,
    (revision, digest, document): (u64, String, envoy_maintenance::state::Document),
) -> ExpectedDocument {
    ExpectedDocument { site: site.to_owned(), revision, digest, document, is_declared: false }
}

/// The newest document of a site that is not one of `own`, with its revision and digest if an Envoy has one.
fn newest(roll: &Roll, site: &str, fleet: &str, own: &OwnDocuments) -> Result<(Draft, Option<DocumentStamp>)> {
    let others = roll.of_site(site).filter(|(_, status)| !own.contain(status.digest.as_deref()));
    let newest = others.max_by_key(|(_, status)| status.stamp());
    let Some((envoy, status, (revision, digest))) =
        newest.and_then(|(envoy, status)| Some((envoy, status, status.stamp()?)))
    else {
        return Ok((Draft::new(site, Some(fleet)), None));
    };
    let Some(members) = status.details.document.as_object() else {
        bail!("{site}: {} does not show its document", shown(&envoy.name()));
    };
    Ok((Draft::from_members(site, members.clone()), Some((revision, digest.to_owned()))))
}

/// True if all Envoys accept this document, including those without one.
pub fn is_young(document: &Draft, now: Time) -> bool {
    let Ok(document) = document.read() else {
        return false;
    };
    let head = Head { iat: document.iat, revision: document.stamp.revision };
    head.time().0.abs_diff(now.0) < MAX_AGE && head.can_follow(None, now)
}

/// The message for a site whose state the policy at `place` declares.
pub fn declared(site: &str, place: &str) -> String {
    format!(
        "{site}: declared by the policy (`state.{site}`, in {place}), which overrides all other documents; change the site \
         with the file target that writes this policy, or change or remove the entry where the policy is kept"
    )
}

#[cfg(test)]
mod tests;
