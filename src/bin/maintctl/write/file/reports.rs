//! The documents of sites as a target's Envoys report them before a change.

use std::time::Instant;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::WaitLimit;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoySite;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;

/// The reports of a target's Envoys.
#[derive(Default)]
pub struct Reports {
    pub roll: Roll,
    /// False if the change does not depend on the reports.
    pub were_asked: bool,
    /// True if every Envoy has responded.
    is_complete: bool,
    /// The reason why the reports have no documents.
    no_details: Option<String>,
}

impl Reports {
    /// Asks the target's Envoys. A target without `envoys` has no reports.
    pub fn ask(target: &Target, deadline: Instant) -> Reports {
        let asked = Reports { were_asked: true, is_complete: true, ..Reports::default() };
        if target.envoys.is_empty() {
            return asked;
        }
        let token = target.read_token(times::time(&times::now()));
        let no_token = token.as_ref().err().map(|error| format!("{error:#}"));
        let roll = target.query_once(token.ok().as_deref(), WaitLimit::FirstResponse, deadline);
        let (roll, no_details) = match roll.rejection().map(EnvoyFailure::line) {
            Some(rejected) => {
                let all = target.query_once(None, WaitLimit::FirstResponse, deadline);
                (with_details(all, &roll), Some(rejected))
            }
            None => (roll, no_token),
        };
        Reports { is_complete: roll.failures.is_empty(), roll, no_details, ..asked }
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

    /// The newest document of a site as the base of a change; `None` if no Envoy has one. Of a document that cannot be read,
    /// only the mode is known.
    pub fn base(&self, site: &str) -> Option<Draft> {
        let (_, status) = self.newest(site)?;
        let mut draft = match status.details.document.as_object() {
            Some(members) => Draft::from_members(site, members.clone()),
            None => Draft::new(site, None),
        };
        draft.set("site", Some(site));
        if !status.details.document.is_object() {
            draft.set("mode", Some(status.mode.as_str()));
        }
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
    /// online is not another one, but that of an Envoy that has not responded may be.
    pub fn differ(&self, site: &str, digest: Option<&str>) -> bool {
        let mut statuses = self.roll.of_site(site).map(|(_, status)| status);
        match digest {
            Some(_) => statuses.any(|status| status.digest.as_deref() != digest),
            None => !self.is_complete || statuses.any(|status| status.mode != Mode::Online.name()),
        }
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

/// A roll without details, in which the Envoys of `detailed` have them.
fn with_details(mut roll: Roll, detailed: &Roll) -> Roll {
    for envoy in &mut roll.envoys {
        if let Some(detailed) = detailed.envoys.iter().find(|known| known.status.envoy == envoy.status.envoy) {
            *envoy = detailed.clone();
        }
    }
    roll
}

/// True if an Envoy follows a pushed document.
pub fn follows_a_push(status: &EnvoySite) -> bool {
    status.digest.is_some() && !status.is_declared()
}
