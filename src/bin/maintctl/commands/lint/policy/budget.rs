//! Rules that use up most of the budget of an ordinary request.
//!
//! A request whose budget is exhausted may be refused, although no rule is meant for it.

use envoy_maintenance::config::{NamedConfig, RuleConfig};
use envoy_maintenance::policy::{Effect, Rule, Site};
use envoy_maintenance::request::{HeaderMap, Request, UNITS, UnknownPeer, WorkBudget};
use envoy_maintenance::state::Mode;

use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// The share of the budget above which a site is reported, in percent.
const LIMIT: usize = 50;
/// The length of the path, and of each header, of an ordinary request, in bytes.
const LENGTH: usize = 300;

/// Sites whose rules cost an ordinary request more than [`LIMIT`].
pub fn expensive_rules(subject: &Subject) -> Vec<Finding> {
    let headers = ordinary(subject);
    let finding = |(position, site): (usize, &Site)| {
        let (total, costliest) = cost(site, &headers)?;
        let percent = total.saturating_mul(100) / UNITS;
        let text = format!(
            "the rules use {percent} % of the budget of an ordinary request (path and headers of {LENGTH} bytes), most \
             of it rule \"{}\"; when the budget is exhausted, exempt rules do not match and always_closed rules do: use \
             fewer or simpler regexes",
            costliest.name
        );
        let path = if subject.config.sites.is_some() { format!("sites[{position}]") } else { String::new() };
        (percent > LIMIT).then(|| code::EXPENSIVE_RULES.at(path, text))
    };
    subject.policy.sites.iter().enumerate().filter_map(finding).collect()
}

/// The cost of all rules of a site for a request with these headers, and the most expensive rule.
fn cost<'s>(site: &'s Site, headers: &HeaderMap) -> Option<(usize, &'s Rule)> {
    let mut request = Request::new(headers, &UnknownPeer);
    request.budget = WorkBudget::unlimited();
    let paths = request.path.paths();
    let closing = site.always_closed.iter().map(|rule| (rule, Effect::Closes(&paths)));
    let opening = site.health_checks.iter().chain(&site.exempt).map(|rule| (rule, Effect::Opens));
    let costs = closing.chain(opening).map(|(rule, effect)| {
        let before = request.budget.left();
        rule.matches(&request, Mode::Offline, effect);
        (before - request.budget.left(), &**rule)
    });
    let costs: Vec<(usize, &Rule)> = costs.collect();
    let total = costs.iter().map(|(cost, _)| cost).sum();
    let (_, costliest) = costs.into_iter().max_by_key(|(cost, _)| *cost)?;
    Some((total, costliest))
}

/// The headers of a request that has every header, parameter and cookie that the rules name, in ordinary lengths.
fn ordinary(subject: &Subject) -> HeaderMap {
    let long = "Mozilla/5.0 (X11) ".repeat(LENGTH / 18);
    let short = "a1b2".repeat(10);
    let rules = subject.rules();
    let names = |of: fn(&RuleConfig) -> &Option<Vec<NamedConfig>>| {
        let conditions = rules.iter().filter_map(|written| of(written.rule).as_ref()).flatten();
        let mut names: Vec<String> = conditions.map(|condition| condition.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let pairs = |names: Vec<String>, separator: &str| {
        let pairs: Vec<String> = names.iter().map(|name| format!("{name}={short}")).collect();
        pairs.join(separator)
    };
    let mut entries = vec![
        (":method".to_owned(), "GET".to_owned()),
        (":authority".to_owned(), "host".to_owned()),
        (":path".to_owned(), format!("/{}?{}", "path/".repeat(LENGTH / 5), pairs(names(|rule| &rule.query), "&"))),
        ("cookie".to_owned(), pairs(names(|rule| &rule.cookies), "; ")),
    ];
    entries.extend(names(|rule| &rule.headers).into_iter().map(|name| (name.to_ascii_lowercase(), long.clone())));
    HeaderMap::new(entries.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect())
}
