//! Remarks on the Envoys of a target together: differences between them, and public addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::remark::{Remark, Severity, Topic};
use crate::envoys::status::EnvoyStatus;

/// The remark on Envoys whose filters have other versions than `own`.
pub fn versions(statuses: &[&EnvoyStatus], own: &str) -> Option<Remark> {
    let envoys = by_value(statuses, |status| status.version.clone());
    if envoys.keys().all(|version| version == own) {
        return None;
    }
    let parts = envoys.iter().map(|(version, names)| format!("{version} in {}", names.join(", ")));
    let list = parts.collect::<Vec<_>>().join("; ");
    let problem = format!("versions differ: maintctl {own}, the filter {list}");
    Some(Remark::new(Topic::Versions, Severity::Warning, problem, "install the same version everywhere"))
}

/// The remark on Envoys whose plugins with sites have different names.
pub fn plugins(statuses: &[&EnvoyStatus]) -> Option<Remark> {
    let with_token: Vec<&EnvoyStatus> = statuses.iter().filter(|status| !status.plugins.is_empty()).copied().collect();
    let envoys = by_value(&with_token, |status| {
        let with_sites = status.plugins.iter().filter(|plugin| !plugin.sites.is_empty());
        let mut names: Vec<String> = with_sites.map(|plugin| format!("\"{}\"", plugin.name)).collect();
        names.sort();
        names.join(", ")
    });
    if envoys.len() < 2 {
        return None;
    }
    let none = |names: &String| if names.is_empty() { "none".to_owned() } else { names.clone() };
    let parts = envoys.iter().map(|(names, envoys)| format!("{} in {}", none(names), envoys.join(", ")));
    let problem = format!("the plugins with sites differ: {}", parts.collect::<Vec<_>>().join("; "));
    Some(Remark::new(
        Topic::Plugins,
        Severity::Warning,
        problem,
        "give all Envoys the same plugins with the same names",
    ))
}

/// The remark on a control endpoint at this address, which everyone may reach.
pub fn public_address(address: IpAddr, requires_certificate: bool) -> Option<Remark> {
    if requires_certificate || is_private(address) {
        return None;
    }
    let problem = format!("the control endpoint is at the public address {address}");
    let remedy = "bind its listener to a loopback or private address, or require client certificates (https, `cert`)";
    Some(Remark::new(Topic::Endpoints, Severity::Error, problem, remedy))
}

/// True for addresses that the public internet does not route.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is the shared address space of carriers and cloud networks (RFC 6598).
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// The names of the Envoys with each value.
fn by_value<'s>(
    statuses: &[&'s EnvoyStatus],
    value: impl Fn(&EnvoyStatus) -> String,
) -> BTreeMap<String, Vec<&'s str>> {
    let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for status in statuses {
        names.entry(value(status)).or_default().push(&status.envoy);
    }
    names
}

#[cfg(test)]
mod tests;
