//! Sites that overlap.

use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::policy::Site;

use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// Sites that are part of another site, with the one that wins.
pub fn overlap(subject: &Subject) -> Vec<Finding> {
    let sites = &subject.policy.sites;
    let mut findings = Vec::new();
    for (position, site) in sites.iter().enumerate() {
        for (other_position, other) in sites.iter().enumerate().filter(|(other, _)| *other != position) {
            if let Some(place) = place_within(site, other) {
                let text = format!(
                    "site \"{}\" is part of site \"{}\" (sites[{other_position}]); at {place}, \"{}\" wins",
                    site.name, other.name, site.name
                );
                findings.push(code::SITE_OVERLAP.at(format!("sites[{position}]"), text));
            }
        }
    }
    findings
}

/// The first host and path of `site` that would belong to `other` otherwise.
fn place_within(site: &Site, other: &Site) -> Option<String> {
    site.hosts.iter().find_map(|host| {
        site.paths.iter().find_map(|path| {
            let wider_host = other.hosts.iter().any(|wide| wide != host && is_host_within(host, wide));
            let same_host = other.hosts.contains(host);
            let wider_path = |wide: &String| {
                wide != path && path.strip_prefix(wide.as_str()).is_some_and(|rest| rest.starts_with('/'))
            };
            let is_within = wider_host && other.paths.iter().any(|wide| wide == path || wider_path(wide))
                || same_host && other.paths.iter().any(wider_path);
            is_within.then(|| format!("{host}{path}/"))
        })
    })
}

fn is_host_within(host: &HostPattern, wide: &HostPattern) -> bool {
    match (host, wide) {
        (HostPattern::Any, _) => false,
        (_, HostPattern::Any) => true,
        (HostPattern::Exact(host), wide) => wide.matches(host),
        (HostPattern::Suffix(host), HostPattern::Suffix(wide)) => {
            host.len() > wide.len() && host.ends_with(wide.as_str())
        }
        (HostPattern::Suffix(_), HostPattern::Exact(_)) => false,
    }
}
