//! What the target of a site's redirect opens, and where browsers are sent to a refusal.

use envoy_maintenance::matching::{HostPattern, RedirectTarget};
use envoy_maintenance::policy::Site;
use envoy_maintenance::verdict::{PassReason, Refusal, Verdict};

use crate::commands::lint::finding::Finding;
use crate::commands::lint::stranger;
use crate::commands::lint::subject::Subject;

/// The findings about the redirect of each site.
pub fn target(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, site) in subject.policy.sites.iter().enumerate() {
        let own = subject.config.sites.iter().flatten().nth(position).and_then(|site| site.reply.redirect.as_deref());
        let (place, url) = match (own, subject.config.reply.redirect.as_deref()) {
            (Some(own), _) => (format!("sites[{position}].reply.redirect"), own),
            (None, Some(wide)) => ("reply.redirect".to_owned(), wide),
            (None, None) => continue,
        };
        let Some(target) = &site.redirect_target else { continue };
        let ways = Ways::of(subject, position, site, target, url);
        findings.extend(ways.findings(&place, &site.name));
    }
    findings
}

/// The URLs of a redirect's target that lie in its site, without query and fragment.
#[derive(Default)]
struct Ways {
    /// On one of the site's exact hosts.
    open: Vec<String>,
    /// On a host that only a `*.suffix` matches, or only `*`.
    closed: Vec<String>,
    /// An absolute URL on a host that only `*` matches, which may as well be served elsewhere.
    unknown: Vec<String>,
}

impl Ways {
    fn of(subject: &Subject, position: usize, site: &Site, target: &RedirectTarget, url: &str) -> Ways {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let mut ways = Ways::default();
        // Whether the URL lies in the site, and nothing but the redirect opens it.
        let is_in_need = |authority: &str| {
            stranger::asks(subject, authority, &target.path, |asked, verdict| {
                let by_mode =
                    matches!(verdict, Verdict::Refuse(Refusal::Mode(_)) | Verdict::Pass(PassReason::RedirectTarget));
                asked == Some(position) && by_mode
            })
        };
        match &target.host {
            Some(host) => {
                let host = host.as_str();
                if is_in_need(authority(url)) {
                    let is_exact = |own: &HostPattern| matches!(own, HostPattern::Exact(own) if own == host);
                    let is_suffix = |own: &HostPattern| matches!(own, HostPattern::Suffix(_)) && own.matches(host);
                    let list = if site.hosts.iter().any(is_exact) {
                        &mut ways.open
                    } else if site.hosts.iter().any(is_suffix) {
                        &mut ways.closed
                    } else {
                        &mut ways.unknown
                    };
                    list.push(url.to_owned());
                }
            }
            None => {
                for own in &site.hosts {
                    let (host, list) = match own {
                        HostPattern::Exact(host) => (host.clone(), &mut ways.open),
                        HostPattern::Suffix(suffix) => (format!("host-without-a-name{suffix}"), &mut ways.closed),
                        HostPattern::Any => ("host-without-a-name.invalid".to_owned(), &mut ways.closed),
                    };
                    if is_in_need(&host) {
                        list.push(format!("{own}{url}"));
                    }
                }
            }
        }
        ways
    }

    fn findings(&self, place: &str, site: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.open.is_empty() {
            let text = format!("GET and HEAD of {} pass while {site} is closed", self.open.join(" and "));
            findings.push(Finding::note(place, text));
        }
        if !self.closed.is_empty() {
            let text = format!(
                "{} lies in {site}, but only the exact `hosts` of a site open the target of its redirect, so browsers are sent \
                 to a refusal; add the host to `hosts`, or name a URL on a host of no site",
                self.closed.join(" and ")
            );
            findings.push(Finding::warning(place, text));
        }
        if !self.unknown.is_empty() {
            let text = format!(
                "if these Envoys serve {}, browsers are sent to a refusal, as {site} has every host; its host in `hosts` would \
                 open it",
                self.unknown.join(" and ")
            );
            findings.push(Finding::note(place, text));
        }
        findings
    }
}

/// The authority of an absolute URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
