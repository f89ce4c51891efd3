//! Redirect targets: which requests they open, and which of them are refused.

use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::matching::RedirectTarget;
use envoy_maintenance::policy::Site;
use envoy_maintenance::verdict::{PassReason, Refusal, Verdict};

use super::request::decided;
use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// Checks the redirect of each site.
pub fn target(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, site) in subject.policy.sites.iter().enumerate() {
        let field = subject.reply_text(position, "redirect", |reply| reply.redirect.as_deref());
        let Some((path, url)) = field else { continue };
        let Some(target) = &site.redirect_target else { continue };
        let targets = Targets::of(subject, position, site, target, url);
        findings.extend(targets.findings(&path, &site.name));
    }
    findings
}

/// The redirect targets within their own site, as URLs without query and fragment.
#[derive(Default)]
struct Targets {
    /// Targets on an exact host of the site, which pass.
    open: Vec<String>,
    /// Targets on a host that only `*.suffix` or `*` matches, which are refused.
    refused: Vec<String>,
    /// Absolute URLs on a host that only `*` matches, which another server may serve.
    unknown: Vec<String>,
}

impl Targets {
    fn of(subject: &Subject, position: usize, site: &Site, target: &RedirectTarget, url: &str) -> Targets {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let mut targets = Targets::default();
        // True if the URL is in the site, and no rule exempts or refuses it.
        let depends_on_mode = |authority: &str| {
            decided(subject, authority, &target.path, |asked, verdict| {
                let by_mode =
                    matches!(verdict, Verdict::Refuse(Refusal::Mode(_)) | Verdict::Pass(PassReason::RedirectTarget));
                asked == Some(position) && by_mode
            })
        };
        match &target.host {
            Some(host) => {
                let host = host.as_str();
                if depends_on_mode(authority(url)) {
                    let is_exact = |own: &HostPattern| matches!(own, HostPattern::Exact(own) if own == host);
                    let is_suffix = |own: &HostPattern| matches!(own, HostPattern::Suffix(_)) && own.matches(host);
                    let list = if site.hosts.iter().any(is_exact) {
                        &mut targets.open
                    } else if site.hosts.iter().any(is_suffix) {
                        &mut targets.refused
                    } else {
                        &mut targets.unknown
                    };
                    list.push(url.to_owned());
                }
            }
            None => {
                for own in &site.hosts {
                    let (host, list) = match own {
                        HostPattern::Exact(host) => (host.clone(), &mut targets.open),
                        HostPattern::Suffix(suffix) => (format!("host-without-a-name{suffix}"), &mut targets.refused),
                        HostPattern::Any => ("host-without-a-name.invalid".to_owned(), &mut targets.refused),
                    };
                    if depends_on_mode(&host) {
                        list.push(format!("{own}{url}"));
                    }
                }
            }
        }
        targets
    }

    fn findings(&self, path: &str, site: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.open.is_empty() {
            let text =
                format!("GET and HEAD requests for {} pass while site \"{site}\" is closed", self.open.join(" and "));
            findings.push(code::REDIRECT_OPEN.at(path, text));
        }
        if !self.refused.is_empty() {
            let text = format!(
                "{} would be refused while site \"{site}\" is closed, because only exact `hosts` open a redirect target; add the \
                 host to `hosts`, or redirect to a host of no site",
                self.refused.join(" and ")
            );
            findings.push(code::REDIRECT_REFUSED.at(path, text));
        }
        if !self.unknown.is_empty() {
            let text = format!(
                "if these Envoys serve {}, the redirect leads to a refusal, because site \"{site}\" matches every host; to open \
                 it, add its host to `hosts`",
                self.unknown.join(" and ")
            );
            findings.push(code::REDIRECT_UNKNOWN_HOST.at(path, text));
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
