//! The documents of sites as a target's Envoys report them before a change.

use std::time::Instant;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::Patience;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoySite;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;

/// The reports of a target's Envoys.
#[derive(Default)]
pub struct Reports {
    pub roll: Roll,
    /// The reason why the reports have no documents.
    no_details: Option<String>,
}

impl Reports {
    /// Asks the target's Envoys. A target without `envoys` has no reports.
    pub fn ask(target: &Target, deadline: Instant) -> Reports {
        if target.envoys.is_empty() {
            return Reports::default();
        }
        let token = target.read_token(times::time(&times::now()));
        let no_token = token.as_ref().err().map(|error| format!("{error:#}"));
        let roll = target.glance(token.ok().as_deref(), Patience::Glance, deadline);
        let is_rejected = |failure: &&EnvoyFailure| matches!(failure.error, EnvoyError::Rejected { .. });
        match roll.failures.iter().find(is_rejected).map(EnvoyFailure::line) {
            Some(rejected) => {
                Reports { roll: target.glance(None, Patience::Glance, deadline), no_details: Some(rejected) }
            }
            None => Reports { roll, no_details: no_token },
        }
    }

    /// The newest document of a site, and the Envoy that reports it.
    fn newest(&self, site: &str) -> Option<(&EnvoyProcess, &EnvoySite)> {
        let with_document = self.roll.of_site(site).filter(|(_, status)| status.digest.is_some());
        with_document.max_by_key(|(_, status)| status.stamp())
    }

    /// The greatest revision of a site's documents.
    pub fn revision(&self, site: &str) -> u64 {
        self.roll.of_site(site).map(|(_, status)| status.revision).max().unwrap_or(0)
    }

    /// The newest document of a site as the base of a change; `None` if no Envoy has one.
    pub fn base(&self, site: &str) -> Option<Draft> {
        let (_, status) = self.newest(site)?;
        let members = status.details.document.as_object()?.clone();
        let mut draft = Draft::from_members(site, members);
        draft.set("site", Some(site));
        Some(draft)
    }

    /// Fails if the site's newest document closes it and cannot be read: the change would lose its end and its reason.
    pub fn require_base(&self, site: &str) -> Result<()> {
        let Some((envoy, status)) = self.newest(site) else { return Ok(()) };
        if status.details.document.is_object() || status.mode == Mode::Online.name() {
            return Ok(());
        }
        let why = self.no_details.as_deref().unwrap_or("the response has no documents");
        bail!(ExitError::NotAdopted(format!(
            "{site}: {} by a document of {} that cannot be read: {why}; nothing changed",
            status.mode.to_uppercase(),
            shown(&envoy.name()),
        )))
    }

    /// True if an Envoy has another document of the site than the one with this digest. Without one, a document that means
    /// online is not another one.
    pub fn differ(&self, site: &str, digest: Option<&str>) -> bool {
        self.roll.of_site(site).any(|(_, status)| match digest {
            Some(_) => status.digest.as_deref() != digest,
            None => status.mode != Mode::Online.name(),
        })
    }

    /// True if an Envoy follows a pushed document of the site.
    pub fn follow_a_push(&self, site: &str) -> bool {
        self.roll.of_site(site).any(|(_, status)| follows_a_push(status))
    }

    /// True if all Envoys have a policy that declares the state of the site.
    pub fn all_declare(&self, site: &str) -> bool {
        self.roll.of_site(site).filter(|(_, status)| status.is_declared()).count() == self.roll.envoys.len()
    }

    /// The strictest mode of the site in any Envoy.
    pub fn mode(&self, site: &str) -> Mode {
        let modes = self.roll.of_site(site).map(|(_, status)| status.mode.as_str());
        modes.filter_map(|name| Mode::ALL.into_iter().find(|mode| mode.name() == name)).max().unwrap_or(Mode::Online)
    }
}

/// True if an Envoy follows a pushed document.
pub fn follows_a_push(status: &EnvoySite) -> bool {
    status.digest.is_some() && !status.is_declared()
}
