//! A rule: a named set of conditions on a request. It matches if all of them match.

use std::rc::Rc;

use crate::matching::cidr::IpSet;
use crate::matching::text::{TextMatcher, Unexamined};
use crate::request::Request;
use crate::state::{Mode, ModeSet};

mod compile;
mod condition;
#[cfg(test)]
mod tests;

pub use compile::check_tokens;
use condition::{Claim, NAME, Named};

/// A compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name, shown in stats, logs and `explain`.
    pub name: String,
    paths: Option<TextMatcher>,
    methods: Option<Vec<String>>,
    remote_ips: Option<IpSet>,
    uri_sans: Option<TextMatcher>,
    headers: Vec<Named>,
    query: Vec<Named>,
    cookies: Vec<Named>,
    claims: Vec<Claim>,
    /// The modes in which the rule applies; none: all.
    modes: Option<ModeSet>,
    /// The condition of a built-in rule.
    built_in: Option<fn(&Request<'_>) -> bool>,
}

/// Rules in order. Sites share the policy-wide ones.
pub type Rules = Vec<Rc<Rule>>;

/// The effect of a rule, which determines how it treats parts of a request that servers can interpret differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'p> {
    /// The rule lets requests through: it matches only by the one interpretation on which all servers agree.
    Opens,
    /// The rule refuses requests: it matches by any interpretation, and by any of these paths.
    Closes(&'p [&'p str]),
}

impl Effect<'_> {
    fn unexamined(self) -> Unexamined {
        match self {
            Effect::Opens => Unexamined::Differs,
            Effect::Closes(_) => Unexamined::Matches,
        }
    }
}

/// The cost of examining a rule, in units of the budget.
const RULE: usize = 16;

impl Rule {
    /// A built-in rule with a condition of its own.
    pub fn built_in(name: &str, condition: fn(&Request<'_>) -> bool) -> Rule {
        Rule {
            name: name.to_owned(),
            paths: None,
            methods: None,
            remote_ips: None,
            uri_sans: None,
            headers: Vec::new(),
            query: Vec::new(),
            cookies: Vec::new(),
            claims: Vec::new(),
            modes: None,
            built_in: Some(condition),
        }
    }

    /// True if the rule has a `paths` condition, and applies in one of `modes` (in `online` if the set is empty).
    pub fn has_paths_in(&self, modes: ModeSet) -> bool {
        let applies = |mode| self.modes.is_none_or(|own| own.contains(mode));
        self.paths.is_some() && modes.or_online().any(applies)
    }

    /// True if the rule matches `request` while `mode` is active. If the request's budget is exhausted, a rule that opens
    /// does not match, and a rule that closes does.
    pub fn matches(&self, request: &Request<'_>, mode: Mode, effect: Effect<'_>) -> bool {
        let Rule { name: _, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes, built_in } =
            self;
        let (budget, unexamined) = (&request.budget, effect.unexamined());
        if !budget.pay(RULE + methods.as_ref().map_or(0, |methods| methods.len() * NAME)) {
            return unexamined.is_match();
        }
        // From cheap to expensive: the last two ask Envoy for properties.
        modes.is_none_or(|modes| modes.contains(mode))
            && methods.as_ref().is_none_or(|methods| is_method(methods, request, effect))
            && built_in.is_none_or(|condition| condition(request))
            && paths.as_ref().is_none_or(|paths| is_path(paths, request, effect))
            && remote_ips
                .as_ref()
                .is_none_or(|set| request.peer.remote_address().is_some_and(|address| set.contains(address)))
            && headers.iter().all(|header| header.matches_header(request, effect))
            && query.iter().all(|parameter| parameter.matches_parameter(request, effect))
            && cookies.iter().all(|cookie| cookie.matches_cookie(request, effect))
            && uri_sans.as_ref().is_none_or(|sans| sans.is_match_any(request.peer.uri_sans(), unexamined, budget))
            && claims.iter().all(|claim| claim.matches(request, unexamined))
    }
}

/// Methods are case-sensitive (RFC 9110 section 9.1), but some servers ignore case, or apply the method in an override
/// header.
fn is_method(methods: &[String], request: &Request<'_>, effect: Effect<'_>) -> bool {
    let is_one = |method: &[u8]| methods.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(method));
    match effect {
        Effect::Opens => !request.names_other_method() && methods.iter().any(|one| one.as_bytes() == request.method),
        Effect::Closes(_) => {
            is_one(request.method) || request.names_other_method() && request.overriding_methods().any(is_one)
        }
    }
}

fn is_path(paths: &TextMatcher, request: &Request<'_>, effect: Effect<'_>) -> bool {
    let matches = |path: &str| paths.is_match(path.as_bytes(), effect.unexamined(), &request.budget);
    match effect {
        Effect::Opens => request.path.canonical().is_some_and(matches),
        Effect::Closes(paths) => paths.iter().any(|path| matches(path)),
    }
}
