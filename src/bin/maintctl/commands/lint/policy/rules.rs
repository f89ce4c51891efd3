//! Rules that do not do what their author probably intends.

use envoy_maintenance::config::TextConfig;
use envoy_maintenance::policy::Site;

use super::anyone::{Effort, decisive_cookie, effort};
use super::subject::{RuleList, Subject, WrittenRule};
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// Rules that anyone can satisfy.
pub fn anyone_matches(subject: &Subject) -> Vec<Finding> {
    subject.rules().into_iter().filter_map(|written| anyone_matches_rule(&written)).collect()
}

fn anyone_matches_rule(written: &WrittenRule<'_>) -> Option<Finding> {
    let (name, path) = (&written.rule.name, &*written.path);
    if written.list == RuleList::Exempt
        && let Some(cookie) = decisive_cookie(written.rule)
    {
        let text = format!(
            "rule \"{name}\" exempts every client that sends a cookie \"{cookie}\", and any client can send one; require a \
             value, or a claim of a verified token"
        );
        return Some(code::COOKIE_PRESENCE.at(path, text));
    }
    let advice = "add a condition that only the intended clients satisfy";
    let (code, text) = match (written.list, effort(written.rule)?) {
        (RuleList::Exempt, Effort::None) => (
            &code::EXEMPTS_EVERYTHING,
            format!("rule \"{name}\" exempts every request, so nothing is closed; {advice}"),
        ),
        (RuleList::Exempt, Effort::Send) => (
            &code::EXEMPTS_ANY_VALUE,
            format!(
                "rule \"{name}\" exempts every request that sends a header or parameter of this name; require a value"
            ),
        ),
        (RuleList::Exempt, Effort::Omit) => (
            &code::EXEMPTS_BY_OMISSION,
            format!("rule \"{name}\" exempts every request that omits a header, parameter or cookie; {advice}"),
        ),
        (RuleList::AlwaysClosed, Effort::None) => (
            &code::REFUSES_EVERYTHING,
            format!("rule \"{name}\" refuses every request, even of online sites; to close a site, change its state"),
        ),
        (RuleList::HealthChecks, Effort::None) => (
            &code::ANSWERS_EVERYTHING,
            format!(
                "rule \"{name}\" answers every request with \"ok\" while a site is closed; match something that only a \
                 probe sends"
            ),
        ),
        (RuleList::AlwaysClosed | RuleList::HealthChecks, Effort::Omit | Effort::Send) => return None,
    };
    Some(code.at(path, text))
}

/// Rules whose `paths` are all outside of their sites.
pub fn paths_outside_the_site(subject: &Subject) -> Vec<Finding> {
    subject.rules().into_iter().filter_map(|written| path_outside_the_site(subject, &written)).collect()
}

fn path_outside_the_site(subject: &Subject, written: &WrittenRule<'_>) -> Option<Finding> {
    let sites: Vec<&Site> = match written.site {
        Some(position) => subject.policy.sites.get(position).into_iter().collect(),
        None => subject.policy.sites.iter().collect(),
    };
    let texts = written.rule.paths.as_ref()?;
    let mut prefixes = sites.iter().flat_map(|site| &site.paths);
    if sites.is_empty() || prefixes.any(|prefix| texts.iter().any(|text| may_match_below(text, prefix))) {
        return None;
    }
    let of = match (written.site, sites.as_slice()) {
        (Some(_), [site]) => format!("site \"{}\"", site.name),
        _ => "any site".to_owned(),
    };
    let prefixes: Vec<&str> = sites.iter().flat_map(|site| &site.paths).map(String::as_str).collect();
    let text = format!(
        "rule \"{}\" matches no path of {of}; write full paths, which begin with {}",
        written.rule.name,
        prefixes.join(" or ")
    );
    Some(code::PATH_OUTSIDE_SITE.at(format!("{}.paths", written.path), text))
}

fn may_match_below(text: &TextConfig, prefix: &str) -> bool {
    let TextConfig::Plain(text) = text else { return true };
    let is_below = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match text.strip_suffix('*') {
        Some(start) => is_below(start) || prefix.starts_with(start),
        None => text.starts_with('*') || is_below(text),
    }
}
