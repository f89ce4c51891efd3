//! Remarks on one Envoy, by its status alone.

use envoy_maintenance::protocol::PluginStatus;
use envoy_maintenance::time::Time;

use super::remark::{Remark, Severity, Topic};
use crate::envoys::status::EnvoyStatus;

/// The time after its start in which an Envoy may not have configured all plugins and workers, in seconds.
pub const STARTING: u64 = 15;

/// The difference between clocks that `status` and changes ignore, in milliseconds. It includes the time of the request.
pub const CLOCK_TOLERANCE: i64 = 10_000;

/// The configuration of maintctl that Envoys should share.
#[derive(Clone, Copy, Debug)]
pub struct OwnSide<'o> {
    pub fleet: Option<&'o str>,
    /// The thumbprint of the signing key, if there is one.
    pub kid: Option<&'o str>,
    /// True if changes need signatures.
    pub pushes: bool,
}

/// All remarks on an Envoy except those on its clock. A status without a read token shows only some of the problems.
pub fn remarks(status: &EnvoyStatus, own: &OwnSide<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    remarks.extend(fleet(status, own));
    remarks.extend(no_sites(status));
    remarks.extend(policies(status));
    remarks.extend(other_fleets(status));
    remarks.extend(conflicts(status));
    remarks.extend(exposed(status));
    remarks.extend(keys(status, own));
    remarks
}

/// The remark on a fleet other than that of maintctl.toml.
fn fleet(status: &EnvoyStatus, own: &OwnSide<'_>) -> Option<Remark> {
    let fleet = own.fleet.filter(|fleet| !status.fleet.is_empty() && status.fleet != *fleet)?;
    let problem = format!("its fleet is \"{}\", and `fleet` in maintctl.toml is \"{fleet}\"", status.fleet);
    Some(Remark::new(Topic::Fleets, Severity::Error, problem, "correct the fleet that is wrong"))
}

/// The remark on a control endpoint without sites.
fn no_sites(status: &EnvoyStatus) -> Option<Remark> {
    if !status.sites.is_empty() {
        return None;
    }
    // These plugins have remarks of their own, which explain it.
    if status.plugins.iter().any(|plugin| is_other_fleet(status, plugin) || has_no_policy(plugin)) {
        return None;
    }
    let (problem, remedy) = absence(status);
    Some(Remark::new(Topic::Plugins, Severity::Error, problem, remedy))
}

/// The reason why a control endpoint does not show a site that its Envoy should have, and a remedy.
pub fn absence(status: &EnvoyStatus) -> (String, String) {
    let (problem, remedy) = settled_absence(status);
    if !is_starting(status) {
        return (problem, remedy);
    }
    let remedy = format!(
        "Envoy started less than {STARTING} s ago, so run `maintctl status` again; if nothing changes, {remedy}"
    );
    (problem, remedy)
}

/// The reason for an Envoy that has configured all of its plugins.
fn settled_absence(status: &EnvoyStatus) -> (String, String) {
    if let Some(plugin) = status.plugins.iter().find(|plugin| has_no_policy(plugin)) {
        return no_policy(plugin);
    }
    match status.plugins.iter().find(|plugin| is_other_fleet(status, plugin)) {
        Some(plugin) => other_fleet(status, plugin),
        None if status.sites.is_empty() && !status.plugins.is_empty() => {
            let names =
                status.plugins.iter().map(|plugin| format!("\"{}\"", plugin.name)).collect::<Vec<_>>().join(", ");
            let problem = format!(
                "no plugin with sites and a name other than {names} shares the `vm_id` of the control listener"
            );
            let remedy = "give the listeners with sites the same `vm_id` as the control listener, and each plugin its own `name`";
            (problem, remedy.to_owned())
        }
        None => {
            let agree = "give that listener and the control listener the same `vm_id` and the same `fleet`";
            // Only a key of the policy shows the plugins.
            let remedy = if status.plugins.is_empty() {
                format!(
                    "read the log of Envoy: if it refused its first policy, it answers 500 to every request; otherwise {agree}"
                )
            } else {
                agree.to_owned()
            };
            ("its control endpoint shows no plugin with the site".to_owned(), remedy)
        }
    }
}

/// True if Envoy has started just now, so that it may not have configured everything yet.
pub fn is_starting(status: &EnvoyStatus) -> bool {
    let (started, now) = (Time::parse(&status.started), Time::parse(&status.time));
    started.zip(now).is_some_and(|(started, now)| started.seconds_until(now) < STARTING)
}

/// True if Envoy has accepted no policy of the plugin.
pub fn has_no_policy(plugin: &PluginStatus) -> bool {
    plugin.refused.is_some() && plugin.fleet.is_none() && plugin.sites.is_empty() && !plugin.control
}

fn no_policy(plugin: &PluginStatus) -> (String, String) {
    let PluginStatus { name, refused, .. } = plugin;
    let refused = refused.as_deref().unwrap_or_default();
    let problem = format!(
        "the first policy of plugin \"{name}\" was refused, so Envoy answers 500 to each request of its listener: {refused}"
    );
    (problem, "correct the policy; `maintctl lint` checks it".to_owned())
}

/// Remarks on refused policies.
fn policies(status: &EnvoyStatus) -> Vec<Remark> {
    let refused = status.plugins.iter().filter_map(|plugin| Some((plugin, plugin.refused.as_deref()?)));
    let remark = |(plugin, refused): (&PluginStatus, &str)| {
        if has_no_policy(plugin) {
            let (problem, remedy) = no_policy(plugin);
            return Remark::new(Topic::Policies, Severity::Error, problem, remedy);
        }
        let (name, at) = (&plugin.name, plugin.refused_at.as_deref());
        let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
        // Envoy does not offer the policy again that it runs, so the reason outlives a policy that was taken back.
        let problem =
            format!("a policy of plugin \"{name}\" was refused{at}, and Envoy still uses the one before: {refused}");
        let remedy = "correct that policy, unless it was taken back already; `maintctl lint` checks it";
        Remark::new(Topic::Policies, Severity::Warning, problem, remedy)
    };
    refused.map(remark).collect()
}

fn is_other_fleet(status: &EnvoyStatus, plugin: &PluginStatus) -> bool {
    !has_no_policy(plugin) && plugin.fleet.as_deref().unwrap_or_default() != status.fleet
}

fn other_fleet(status: &EnvoyStatus, plugin: &PluginStatus) -> (String, String) {
    let theirs = match &plugin.fleet {
        Some(fleet) => format!("the fleet \"{fleet}\""),
        None => "no fleet".to_owned(),
    };
    let problem = format!(
        "plugin \"{}\" has {theirs}, and the control listener has \"{}\", which does not show its sites",
        plugin.name, status.fleet
    );
    (problem, "give both policies the same `fleet`".to_owned())
}

/// Remarks on plugins of other fleets. They are errors only if the control endpoint has no other sites.
fn other_fleets(status: &EnvoyStatus) -> Vec<Remark> {
    let severity = if status.sites.is_empty() { Severity::Error } else { Severity::Warning };
    let others = status.plugins.iter().filter(|plugin| is_other_fleet(status, plugin));
    let remark = |plugin| {
        let (problem, remedy) = other_fleet(status, plugin);
        Remark::new(Topic::Fleets, severity, problem, remedy)
    };
    others.map(remark).collect()
}

/// Remarks on plugins of one name with different policies.
pub fn conflicts(status: &EnvoyStatus) -> Vec<Remark> {
    let remark = |plugin: &String| {
        let problem = format!("several plugins named \"{plugin}\" have different policies");
        Remark::new(Topic::Plugins, Severity::Warning, problem, "give each plugin its own `name`")
    };
    status.plugin_conflicts.iter().map(remark).collect()
}

/// Remarks on control endpoints that visitors of a site can reach.
fn exposed(status: &EnvoyStatus) -> Vec<Remark> {
    let exposed = status.plugins.iter().filter(|plugin| plugin.control && !plugin.sites.is_empty());
    let remark = |plugin: &PluginStatus| {
        let (name, sites) = (&plugin.name, plugin.sites.join(", "));
        let problem = format!("plugin \"{name}\" serves the control endpoint on the listener of the sites: {sites}");
        let remedy = "give the control endpoint a listener of its own, at a loopback or private address";
        Remark::new(Topic::Endpoints, Severity::Warning, problem, remedy)
    };
    exposed.map(remark).collect()
}

/// Remarks on plugins whose policies do not let the own key sign documents for all of their sites.
fn keys(status: &EnvoyStatus, own: &OwnSide<'_>) -> Vec<Remark> {
    let Some(kid) = own.kid.filter(|_| own.pushes) else { return Vec::new() };
    let with_sites = status.plugins.iter().filter(|plugin| !plugin.sites.is_empty());
    let remark = |plugin: &PluginStatus| {
        let may_sign = |site: &String| {
            let is_allowed = |sites: &[String]| sites.iter().any(|allowed| allowed == "*" || allowed == site);
            plugin
                .keys
                .iter()
                .any(|key| key.kid == kid && key.may.iter().any(|kind| kind == "state") && is_allowed(&key.sites))
        };
        let name = &plugin.name;
        let remedy = |text: &str| format!("{text} of its policy; until then, its workers do not follow `maintctl`");
        if !plugin.keys.iter().any(|key| key.kid == kid) {
            let problem = format!("plugin \"{name}\" does not have the key of maintctl.toml");
            let text = remedy("add the JWK that `maintctl init` prints to `keys`");
            return Some(Remark::new(Topic::Keys, Severity::Warning, problem, text));
        }
        let missing: Vec<&str> = plugin.sites.iter().filter(|site| !may_sign(site)).map(String::as_str).collect();
        if missing.is_empty() {
            return None;
        }
        let problem = format!("plugin \"{name}\" does not let the key of maintctl.toml change {}", missing.join(", "));
        Some(Remark::new(
            Topic::Keys,
            Severity::Warning,
            problem,
            remedy("extend `sites` and `may` of the key in `keys`"),
        ))
    };
    with_sites.filter_map(remark).collect()
}

/// The remark on a clock that differs from this machine's by more than `tolerance` milliseconds. The status was requested
/// at `asked` and arrived at `answered`.
pub fn clock(status: &EnvoyStatus, asked: Time, answered: Time, tolerance: i64) -> Option<Remark> {
    const ERROR: i64 = 10_000;
    let there = Time::parse(&status.time)?;
    let difference = (asked.0 - there.0).max(there.0 - answered.0);
    if difference <= tolerance {
        return None;
    }
    let severity = if difference > ERROR { Severity::Error } else { Severity::Warning };
    let problem =
        format!("its clock says {there}, this machine's {answered}; ends and windows follow the clock of Envoy");
    Some(Remark::new(Topic::Clocks, severity, problem, "correct the clock that is wrong"))
}

#[cfg(test)]
mod tests;
