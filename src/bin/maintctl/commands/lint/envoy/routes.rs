//! Domains that Envoy routes, but that no site covers.

use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::request::Host;
use envoy_maintenance::tree::Tree;

use super::plugins::Plugin;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::tree_query::{list, member};

/// Domains that no site covers, or of which sites cover some paths only.
pub fn without_a_site(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some((path, manager)) = &plugin.manager else { return Vec::new() };
    if plugin.subject.policy.sites.is_empty() {
        return Vec::new();
    }
    let hosts = member(manager, "route_config").map_or(&[][..], |config| list(config, "virtual_hosts"));
    let mut findings = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        for (number, domain) in list(host, "domains").iter().enumerate() {
            let Tree::Text(domain) = domain else { continue };
            let path = format!("{path}.route_config.virtual_hosts[{index}].domains[{number}]");
            findings.extend(uncovered(plugin, domain, path));
        }
    }
    findings
}

fn uncovered(plugin: &Plugin<'_>, domain: &str, path: String) -> Option<Finding> {
    // Paths that the sites of one host do not cover belong to the sites of the next wider host.
    let sites = &plugin.subject.policy.sites;
    let covering = sites.iter().filter(|site| site.hosts.iter().any(|host| covers(host, domain)));
    let mut paths: Vec<&str> = covering.flat_map(|site| &site.paths).map(String::as_str).collect();
    paths.sort_unstable();
    paths.dedup();
    match paths.first() {
        None => {
            let text =
                format!("no site covers \"{domain}\", so no maintenance closes it; add it to the hosts of a site");
            Some(code::DOMAIN_WITHOUT_SITE.at(path, text))
        }
        // The empty prefix matches all paths, and sorts first.
        Some(&"") => None,
        Some(_) => {
            let paths = paths.join(", ");
            let text = format!("sites cover only {paths} of \"{domain}\", so no maintenance closes its other paths");
            Some(code::PATH_WITHOUT_SITE.at(path, text))
        }
    }
}

/// True if `host` matches every host that Envoy routes to `domain`.
fn covers(host: &HostPattern, domain: &str) -> bool {
    match domain.strip_prefix('*') {
        Some(suffix) => match host {
            HostPattern::Any => true,
            HostPattern::Suffix(own) => !suffix.is_empty() && suffix.to_ascii_lowercase().ends_with(own.as_str()),
            HostPattern::Exact(_) => false,
        },
        None => match Host::parse(domain.as_bytes()) {
            Some(domain) => host.matches(domain.as_str()),
            None => *host == HostPattern::Any,
        },
    }
}
