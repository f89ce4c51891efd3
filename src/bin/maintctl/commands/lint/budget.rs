//! Rules that cost an ordinary request most of its budget, so that it may be refused though no rule is meant for it.

use envoy_maintenance::policy::{Effect, Rule, Site};
use envoy_maintenance::request::{HeaderMap, Request, UNITS, UnknownPeer, WorkBudget};
use envoy_maintenance::state::Mode;

use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::Subject;

/// Of the budget, in percent: an ordinary request should leave as much for one that is not.
const MOST: usize = 50;
/// The length of an ordinary path, and of an ordinary header, in bytes.
const LENGTH: usize = 300;

/// Sites whose rules cost an ordinary request more than [`MOST`].
pub fn is_short(subject: &Subject) -> Vec<Finding> {
    let headers = ordinary(subject);
    let finding = |(position, site): (usize, &Site)| {
        let (total, dearest) = cost(site, &headers)?;
        let percent = total.saturating_mul(100) / UNITS;
        let text = format!(
            "an ordinary request (a path and headers of {LENGTH} bytes) costs {percent} % of what a request may cost, most of \
             it by rule \"{}\"; beyond, exempt rules do not match and always_closed rules do: use fewer or simpler regexes",
            dearest.name
        );
        let path = if subject.config.sites.is_some() { format!("sites[{position}]") } else { String::new() };
        (percent > MOST).then(|| Finding::warning(path, text))
    };
    subject.policy.sites.iter().enumerate().filter_map(finding).collect()
}

/// What all rules of a site cost a request with these headers, in units of the budget, and the rule that costs most.
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
    let (_, dearest) = costs.into_iter().max_by_key(|(cost, _)| *cost)?;
    Some((total, dearest))
}

/// The headers of a request that has everything rules ask for, of an ordinary length.
fn ordinary(subject: &Subject) -> HeaderMap {
    let long = "Mozilla/5.0 (X11) ".repeat(LENGTH / 18);
    let short = "a1b2".repeat(10);
    let rules = subject.rules();
    let names =
        |of: fn(&envoy_maintenance::config::RuleConfig) -> &Option<Vec<envoy_maintenance::config::NamedConfig>>| {
            let mut names: Vec<String> = rules
                .iter()
                .filter_map(|written| of(written.rule).as_ref())
                .flatten()
                .map(|one| one.name.clone())
                .collect();
            names.sort();
            names.dedup();
            names
        };
    let pairs = |names: Vec<String>, between: &str| {
        let pairs: Vec<String> = names.iter().map(|name| format!("{name}={short}")).collect();
        pairs.join(between)
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
