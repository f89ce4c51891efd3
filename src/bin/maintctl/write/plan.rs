//! The documents that a push sends.

use anyhow::{Result, bail};
use envoy_maintenance::state::Head;
use envoy_maintenance::time::Time;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::write::change::{Edit, SiteChange};

/// The maximum age of a document that is sent again as it is, in milliseconds. Envoys accept documents for five minutes;
/// the rest is a reserve for clocks.
const MAX_AGE: u64 = 4 * 60 * 1000;

/// The document of one site.
pub struct SitePlan {
    pub change: SiteChange,
    /// The document that every Envoy has to adopt; `None` if the site has no document and needs none.
    pub expected: Option<ExpectedDocument>,
    /// The signed form; `None` if every Envoy has the document.
    pub signed: Option<String>,
}

impl SitePlan {
    /// Edits the newest document of `site`, or prepares it for the Envoys that lack it.
    pub fn new(roll: &Roll, target: &Target, site: &str, edit: &Edit<'_>, by: &str, now: Time) -> Result<SitePlan> {
        let (key, fleet) = target.signer()?;
        if let Some((envoy, _)) = roll.of_site(site).find(|(_, status)| status.is_declared()) {
            bail!(ExitError::Rejected(declared(site, &shown(&envoy.name()))));
        }
        let (current, stamp) = newest(roll, site, fleet)?;
        let rules = roll.of_site(site).flat_map(|(_, status)| &status.details.bypassed.0).map(|(rule, _)| rule.clone());
        let rules = rules.collect();
        let mut change = SiteChange::of(current.clone(), site, edit, &rules, now)?;
        let all_have_it = stamp
            .as_ref()
            .is_some_and(|(_, digest)| roll.of_site(site).all(|(_, status)| status.digest.as_deref() == Some(digest)));
        if change.changed {
            change.after.stamp(&change.before, now, by);
            change.after.set("fleet", Some(fleet));
            change.after.date(now);
        } else if stamp.is_none() || all_have_it {
            let document = current.read()?;
            let expected = stamp.map(|(revision, digest)| (revision, digest, document));
            return Ok(SitePlan { change, expected: expected.map(|it| expect(site, it)), signed: None });
        }
        let document = match &stamp {
            _ if change.changed => change.after.clone(),
            Some((_, digest)) if *digest == current.digest()?.to_string() && is_young(&current, now) => current,
            // Envoys would reject it as too old, or another program has serialized it differently.
            _ => {
                let mut successor = current;
                successor.restamp(now);
                successor.date(now);
                successor
            }
        };
        let expected = expect(site, (document.revision(), document.digest()?.to_string(), document.read()?));
        let signed = key.sign_document(&document.payload()?);
        Ok(SitePlan { change, expected: Some(expected), signed: Some(signed) })
    }
}

fn expect(
    site: &str,
    (revision, digest, document): (u64, String, envoy_maintenance::state::Document),
) -> ExpectedDocument {
    ExpectedDocument { site: site.to_owned(), revision, digest, document }
}

/// The newest document of a site, with its revision and digest if an Envoy has one.
fn newest(roll: &Roll, site: &str, fleet: &str) -> Result<(Draft, Option<(u64, String)>)> {
    let newest = roll.of_site(site).max_by_key(|(_, status)| status.stamp());
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
fn is_young(document: &Draft, now: Time) -> bool {
    let Ok(document) = document.read() else {
        return false;
    };
    let head = Head { iat: document.iat, revision: document.stamp.revision };
    head.time().0.abs_diff(now.0) < MAX_AGE && head.can_follow(None, now)
}

/// The message for a site whose state the policy at `place` declares.
pub fn declared(site: &str, place: &str) -> String {
    format!(
        "{site}: declared by the policy (`state.{site}`, in {place}), which overrides all other documents; change or remove \
         the entry where the policy is kept"
    )
}

#[cfg(test)]
mod tests;
