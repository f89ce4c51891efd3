//! The reason why an Envoy has not adopted a document.

use std::path::Path;

use envoy_maintenance::time::Time;
use jiff::Zoned;

use super::envoy::{STARTING, absence, has_no_policy, is_starting};
use crate::envoys::status::{EnvoySite, EnvoyStatus, missing_key};
use crate::terminal::times;

/// The next step for a pushed document of a site that the policy of an Envoy does not have.
pub const ADD_SITE: &str = "add it to the policy there";

/// The document of a site that every Envoy should have adopted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// `None`: no document.
    pub digest: Option<&'w str>,
    pub origin: Origin<'w>,
}

impl Wanted<'_> {
    /// The next step for an Envoy whose policy does not have the site.
    fn remedy_of_absence(&self) -> &'static str {
        match self.origin {
            Origin::File(_) => {
                "its policy is older; the next change or `maintctl apply` writes the edited policy to the file"
            }
            Origin::Push | Origin::Policy(_) => ADD_SITE,
        }
    }
}

/// The place from which a wanted document comes.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'o> {
    /// The newest pushed document.
    Push,
    /// The policy of the Envoy with this name.
    Policy(&'o str),
    /// The generated file at this path.
    File(&'o Path),
}

/// The next step to update an Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `maintctl sync` sends it the document.
    Sync,
    /// This text describes it.
    Text(String),
}

/// A problem of one Envoy with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub problem: String,
    pub remedy: Remedy,
}

impl Cause {
    /// The problem and the remedy, if a text describes it.
    pub fn text(&self) -> String {
        match &self.remedy {
            Remedy::Text(remedy) if !remedy.is_empty() => format!("{}; {remedy}", self.problem),
            Remedy::Text(_) | Remedy::Sync => self.problem.clone(),
        }
    }

    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Cause {
        Cause { problem: problem.into(), remedy: Remedy::Text(remedy.into()) }
    }
}

/// The reason why an Envoy with this status has not adopted the wanted document of `site`.
pub fn cause(status: &EnvoyStatus, site: &str, wanted: &Wanted<'_>, now: &Zoned) -> Cause {
    let Some(seen) = status.site(site) else { return absent(status, site, wanted.remedy_of_absence()) };
    let cause = if seen.digest.as_deref() != wanted.digest {
        other_document(status, seen, wanted, now)
    } else if !seen.workers.have_adopted() {
        not_adopted(status, seen)
    } else {
        let problem = format!("its clock says {}", status.time);
        Cause::new(problem, "correct the clock that is wrong")
    };
    Cause { problem: format!("{}, {}", seen.mode.to_uppercase(), cause.problem), ..cause }
}

/// The reason why an Envoy does not have a site. Without another reason, `remedy` is the next step.
pub fn absent(status: &EnvoyStatus, site: &str, remedy: &str) -> Cause {
    if let Some(refused) = refused(status) {
        return Cause { problem: format!("has no site \"{site}\", because {}", refused.problem), ..refused };
    }
    let has_reason = status.sites.is_empty()
        || is_starting(status)
        || status.plugins.iter().any(|plugin| plugin.fleet.as_deref().unwrap_or_default() != status.fleet);
    if has_reason {
        let (problem, remedy) = absence(status);
        return Cause::new(format!("has no site \"{site}\": {problem}"), remedy);
    }
    Cause::new(format!("has no site \"{site}\""), remedy)
}

/// The reason why an Envoy has another document.
fn other_document(status: &EnvoyStatus, seen: &EnvoySite, wanted: &Wanted<'_>, now: &Zoned) -> Cause {
    let site = &seen.site;
    match wanted.origin {
        Origin::File(file) => other_than_file(status, seen, wanted, file),
        Origin::Policy(envoy) => {
            let here = if seen.is_declared() { "declares another one" } else { "does not" };
            let problem =
                format!("the policy of {envoy} declares the state (`state.{site}`), and the policy there {here}");
            Cause::new(problem, "give every Envoy the same policy")
        }
        Origin::Push if seen.is_declared() => Cause::new(
            format!("declared by the policy there (`state.{site}`)"),
            "change or remove the entry where the policy is kept",
        ),
        Origin::Push if seen.digest.is_none() => {
            let since = match Time::parse(&status.started) {
                Some(started) => format!(" since its start at {}", times::short(started, now)),
                None => ", probably since a restart".to_owned(),
            };
            Cause { problem: format!("has no document{since}"), remedy: Remedy::Sync }
        }
        Origin::Push => Cause { problem: "has another document".to_owned(), remedy: Remedy::Sync },
    }
}

/// The reason why an Envoy has another document than the generated file.
fn other_than_file(status: &EnvoyStatus, seen: &EnvoySite, wanted: &Wanted<'_>, file: &Path) -> Cause {
    if let Some(refused) = refused(status) {
        return refused;
    }
    let (site, file) = (&seen.site, file.display());
    if wanted.digest.is_none() && !seen.is_declared() {
        return Cause::new(
            format!("by a pushed document, and {file} has no state of the site"),
            format!("change it with `maintctl open {site}` or `maintctl close {site}`, which write the file"),
        );
    }
    let remedy = format!(
        "check that Envoy watches {file} and its folder (`path_config_source` with `watched_directory`); a change of the \
         site replaces the file again"
    );
    Cause::new("by another state than that of the file, which Envoy has not loaded", remedy)
}

/// The reason why workers have not adopted the document that their Envoy has.
fn not_adopted(status: &EnvoyStatus, seen: &EnvoySite) -> Cause {
    let count = format!("{}/{} workers have adopted it", seen.workers.adopted, seen.workers.members);
    if let Some(advice) = missing_key(seen) {
        return Cause::new(format!("{count}: {advice}"), "");
    }
    if let Some(refused) = refused(status) {
        return Cause { problem: format!("{count}: {}", refused.problem), ..refused };
    }
    let plugins: Vec<String> = status
        .plugins
        .iter()
        .filter(|plugin| plugin.sites.contains(&seen.site))
        .map(|plugin| format!("\"{}\"", plugin.name))
        .collect();
    if seen.is_declared() && plugins.len() > 1 {
        let problem =
            format!("{count}: plugins {} have the site, and not all of them declare this state", plugins.join(", "));
        return Cause::new(problem, format!("give all of them the same `state.{}`", seen.site));
    }
    if is_starting(status) {
        let problem = format!("{count}: Envoy started less than {STARTING} s ago");
        return Cause::new(problem, "run `maintctl status` again");
    }
    let remedy =
        "a worker is busy, stuck or starting: run `maintctl status` again, and read the log of Envoy if it stays so";
    Cause::new(count, remedy)
}

/// The refused policy of an Envoy.
fn refused(status: &EnvoyStatus) -> Option<Cause> {
    let plugin = status.plugins.iter().find(|plugin| plugin.refused.is_some())?;
    let reason = plugin.refused.as_deref().unwrap_or_default();
    let policy = if has_no_policy(plugin) { "the first policy" } else { "a newer policy" };
    let problem = format!("{policy} of plugin \"{}\" was refused: {reason}", plugin.name);
    Some(Cause::new(problem, "correct the policy; `maintctl lint` checks it"))
}

#[cfg(test)]
mod tests;
