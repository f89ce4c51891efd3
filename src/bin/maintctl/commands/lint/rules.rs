//! Rules that do not do what they seem to.

use envoy_maintenance::config::{RuleConfig, TextConfig};
use envoy_maintenance::policy::{Everyone, Rule, Site};
use envoy_maintenance::state::Mode;
use envoy_maintenance::tree::KeyPath;

use crate::commands::lint::cover::covers;
use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::{List, Subject, WrittenRule};

/// Rules that every request satisfies, or every one that its sender wants to.
pub fn lets_everyone_through(subject: &Subject) -> Vec<Finding> {
    let finding = |written: WrittenRule<'_>| {
        let (name, path) = (&written.rule.name, &*written.path);
        let everyone = Rule::compile(written.rule, &KeyPath::Root).ok()?.everyone()?;
        match (written.list, everyone) {
            (List::Exempt, Everyone::AsTheyAre) => Some(Finding::error(
                path,
                format!(
                    "rule \"{name}\" lets everyone through, so nothing ever closes; ask for what others do not have"
                ),
            )),
            (List::Exempt, Everyone::Sending) => Some(Finding::warning(
                path,
                format!("rule \"{name}\" lets everyone through who sends a name, with any value; ask for a value"),
            )),
            (List::Exempt, Everyone::LeavingOut) => Some(Finding::warning(
                path,
                format!("rule \"{name}\" lets everyone through who leaves a name out; ask for what others do not have"),
            )),
            (List::AlwaysClosed, Everyone::AsTheyAre) => Some(Finding::warning(
                path,
                format!("rule \"{name}\" refuses everyone, always; to close a site, change its state"),
            )),
            (List::HealthChecks, Everyone::AsTheyAre) => Some(Finding::warning(
                path,
                format!("rule \"{name}\" answers everyone \"ok\" while a site is closed; name what only a probe sends"),
            )),
            (List::AlwaysClosed | List::HealthChecks, Everyone::LeavingOut | Everyone::Sending) => None,
        }
    };
    subject.rules().into_iter().filter_map(finding).collect()
}

/// Rules behind one that holds wherever they do, at every site that they are for.
pub fn is_never_reached(subject: &Subject) -> Vec<Finding> {
    let rules = subject.rules();
    let mut findings = Vec::new();
    for (index, later) in rules.iter().enumerate() {
        let before = rules.get(..index).unwrap_or_default();
        let covers_at = |site: usize| {
            let mut before = before.iter().filter(|earlier| earlier.site.is_none_or(|own| own == site));
            before.find(|earlier| is_covered(later, earlier))
        };
        let sites = match later.site {
            Some(site) => site..site + 1,
            None => 0..subject.policy.sites.len(),
        };
        let covering: Option<Vec<&WrittenRule<'_>>> = sites.map(covers_at).collect();
        let covering = covering.unwrap_or_default();
        // The one to name is one that a suspension takes away, if there is one.
        let exempt = covering.iter().find(|earlier| earlier.list == List::Exempt);
        if let Some(earlier) = exempt.or(covering.first()) {
            findings.push(never_reached(later, earlier));
        }
    }
    findings
}

fn never_reached(later: &WrittenRule<'_>, earlier: &WrittenRule<'_>) -> Finding {
    let (name, other, place) = (&later.rule.name, &earlier.rule.name, &earlier.path);
    match earlier.list {
        List::Exempt => Finding::note(
            &*later.path,
            format!(
                "rule \"{name}\" decides only while \"{other}\" ({place}) is suspended, as that comes first and holds wherever \
                 it does"
            ),
        ),
        List::AlwaysClosed | List::HealthChecks => Finding::warning(
            &*later.path,
            format!(
                "rule \"{name}\" never decides, as \"{other}\" ({place}) comes first and holds wherever it does; take one of \
                 them out"
            ),
        ),
    }
}

/// Whether `earlier` surely decides wherever `later` would.
fn is_covered(later: &WrittenRule<'_>, earlier: &WrittenRule<'_>) -> bool {
    if later.list == List::AlwaysClosed {
        return covers(earlier.rule, later.rule);
    }
    // All others are asked in closed sites only. Every mode that is active asks every list.
    let closed = [Mode::ReadOnly, Mode::Offline];
    let asked: Vec<Mode> = match &later.rule.modes {
        Some(modes) => closed.into_iter().filter(|mode| modes.contains(mode)).collect(),
        None => closed.to_vec(),
    };
    let with = |modes: Option<Vec<Mode>>, rule: &RuleConfig| RuleConfig { modes, ..rule.clone() };
    let holds_then = earlier.rule.modes.as_ref().is_none_or(|modes| asked.iter().all(|mode| modes.contains(mode)));
    holds_then && covers(&with(None, earlier.rule), &with(None, later.rule))
}

/// Rules of a site whose paths all lie outside of it.
pub fn matches_no_path_of_its_site(subject: &Subject) -> Vec<Finding> {
    let finding = |written: WrittenRule<'_>| {
        let sites: Vec<&Site> = match written.site {
            Some(position) => subject.policy.sites.get(position).into_iter().collect(),
            None => subject.policy.sites.iter().collect(),
        };
        let texts = written.rule.paths.as_ref()?;
        let mut prefixes = sites.iter().flat_map(|site| &site.paths);
        if sites.is_empty() || prefixes.any(|prefix| texts.iter().any(|text| may_lie_below(text, prefix))) {
            return None;
        }
        let name = &written.rule.name;
        let of = match (written.site, sites.as_slice()) {
            (Some(_), [site]) => format!("site \"{}\"", site.name),
            _ => "any site".to_owned(),
        };
        let prefixes: Vec<&str> = sites.iter().flat_map(|site| &site.paths).map(String::as_str).collect();
        let text = format!(
            "rule \"{name}\" matches no path of {of}; paths there begin with {}, and rules name them in full",
            prefixes.join(", ")
        );
        Some(Finding::warning(format!("{}.paths", written.path), text))
    };
    subject.rules().into_iter().filter_map(finding).collect()
}

fn may_lie_below(text: &TextConfig, prefix: &str) -> bool {
    let TextConfig::Plain(text) = text else { return true };
    let is_below = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match text.strip_suffix('*') {
        Some(start) => is_below(start) || prefix.starts_with(start),
        None => text.starts_with('*') || is_below(text),
    }
}

#[cfg(test)]
mod tests;
