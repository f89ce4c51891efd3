//! The order of decision. It stands here, once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::policy::text::Reading;
use crate::policy::{Found, Policy, Rule, Site};
use crate::request::Request;
use crate::state::{Mode, Situation};

/// How many rules a request may make a worker ask that could belong to any site.
const MOST_RULES: usize = 64;

/// The decision on one request, with the name of what decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// It goes on to the application.
    Pass(Pass<'p>),
    /// The filter answers the probe itself: the rule's name.
    HealthCheck(&'p str),
    /// It is refused.
    Refuse(Refusal<'p>),
}

/// Why a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass<'p> {
    /// It belongs to no site.
    NoSite,
    /// Its site is open.
    Online,
    /// The exempt rule of this name holds.
    Exempt(&'p str),
    /// The site's own reply sends browsers there.
    RedirectTarget,
    /// It changes nothing, and the site is read-only.
    ReadOnly,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'p> {
    /// The rule of this name refuses it, whatever the mode.
    AlwaysClosed(&'p str),
    /// The site is in this mode.
    Mode(Mode),
}

/// A verdict, and what it was made for.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'p> {
    /// The position of the site in the policy, and the site.
    pub site: Option<(usize, &'p Site)>,
    /// What holds at the site.
    pub situation: &'p Situation,
    /// The verdict.
    pub verdict: Verdict<'p>,
}

impl Decision<'_> {
    /// The value of `x-maintenance-status`, by which the application knows of a request that passes a site which is not
    /// online; none for any other.
    pub fn status(&self) -> Option<String> {
        let mode = self.situation.mode();
        let until = || self.situation.until().map(|until| format!("; until={until}")).unwrap_or_default();
        (mode != Mode::Online).then(|| format!("{mode}; via={}{}", self.verdict.text(), until()))
    }
}

/// Decides on a request. `situation` says what holds now at a site of the policy, by position.
///
/// A request that might belong to several sites, because its host or path can be read in several ways, passes only if
/// each of them lets it pass.
pub fn decide<'p>(
    policy: &'p Policy,
    situation: impl Fn(usize) -> &'p Situation,
    request: &Request<'_>,
) -> Decision<'p> {
    let decide = |position: usize, holds: &Holds<'_>| {
        let site = policy.sites.get(position)?;
        let situation = situation(position);
        let verdict = decide_at(site, situation, request, holds);
        Some(Decision { site: Some((position, site)), situation, verdict })
    };
    // A rule for every site is asked once and not once a site, and only so many are asked at all, or a stranger could make
    // a worker read 60 KB of cookies a thousand times. Beyond, none opens, and each that refuses holds. A rule is always
    // read in one way, as it stands in one list.
    let decide_for_all = |sites: Vec<usize>, most: usize| {
        let answers = RefCell::new(HashMap::new());
        let holds = |rule: &Rc<Rule>, mode, reading| {
            let mut answers = answers.borrow_mut();
            let is_over = answers.len() >= most;
            match answers.entry((Rc::as_ptr(rule), mode)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(_) if is_over => reading == Reading::Wide,
                Entry::Vacant(place) => *place.insert(rule.holds(request, mode, reading)),
            }
        };
        strictest(sites.into_iter().filter_map(|site| decide(site, &holds)))
    };
    let decision = match policy.index.find(request) {
        Found::One(site) => {
            site.and_then(|site| decide(site, &|rule, mode, reading| rule.holds(request, mode, reading)))
        }
        Found::Several(sites) => decide_for_all(sites, usize::MAX),
        Found::Any => decide_for_all((0..policy.sites.len()).collect(), MOST_RULES),
    };
    // 1. It belongs to no site.
    decision.unwrap_or(Decision { site: None, situation: Situation::ONLINE, verdict: Verdict::Pass(Pass::NoSite) })
}

/// The first decision that keeps the request from the application, or else the first at a site of the strictest mode.
fn strictest<'p>(decisions: impl Iterator<Item = Decision<'p>>) -> Option<Decision<'p>> {
    let mut strictest: Option<Decision<'p>> = None;
    for decision in decisions {
        if !matches!(decision.verdict, Verdict::Pass(_)) {
            return Some(decision);
        }
        if strictest.is_none_or(|known| decision.situation.mode() > known.situation.mode()) {
            strictest = Some(decision);
        }
    }
    strictest
}

/// Whether a rule holds for the request.
type Holds<'h> = dyn Fn(&Rc<Rule>, Mode, Reading) -> bool + 'h;

fn decide_at<'p>(site: &'p Site, situation: &Situation, request: &Request<'_>, holds: &Holds<'_>) -> Verdict<'p> {
    let modes = situation.modes();
    // 2. A rule refuses it, also while the site is online.
    let is_shut = |rule: &Rc<Rule>| modes.or_online().any(|mode| holds(rule, mode, Reading::Wide));
    if let Some(rule) = first(&site.always_closed, is_shut) {
        return Verdict::Refuse(Refusal::AlwaysClosed(rule));
    }
    // 3. No mode is active but online. A request passes a closed site only if every active mode would let it pass.
    let mut verdict = Verdict::Pass(Pass::Online);
    for mode in modes.strictest_first() {
        let next = decide_in(mode, site, situation, request, holds);
        match (verdict, next) {
            (_, Verdict::Refuse(_)) => return next,
            (Verdict::Pass(Pass::Online), _) => verdict = next,
            _ => {}
        }
    }
    verdict
}

fn decide_in<'p>(
    mode: Mode,
    site: &'p Site,
    situation: &Situation,
    request: &Request<'_>,
    holds: &Holds<'_>,
) -> Verdict<'p> {
    // 4. Health checks, so that an application that is down does not take the page's Envoy out of its balancer.
    if let Some(rule) = first(&site.health_checks, |rule| holds(rule, mode, Reading::Strict)) {
        return Verdict::HealthCheck(rule);
    }
    // 5. An exempt rule that is not suspended.
    let exempt = |rule: &Rc<Rule>| holds(rule, mode, Reading::Strict) && !situation.suspends(&rule.name);
    if let Some(rule) = first(&site.exempt, exempt) {
        return Verdict::Pass(Pass::Exempt(rule));
    }
    // 6. Where the site's own reply sends browsers.
    let is_target = site.reply.redirect_target().is_some_and(|target| {
        request.path.canonical() == Some(target.path.as_str())
            && target.host.as_ref().is_none_or(|host| request.host.as_ref() == Some(host))
    });
    if is_target {
        return Verdict::Pass(Pass::RedirectTarget);
    }
    // 7. Read-only, and it changes nothing.
    if mode == Mode::ReadOnly && matches!(request.method, b"GET" | b"HEAD" | b"OPTIONS") {
        return Verdict::Pass(Pass::ReadOnly);
    }
    // 8. Refused.
    Verdict::Refuse(Refusal::Mode(mode))
}

fn first(rules: &[Rc<Rule>], holds: impl Fn(&Rc<Rule>) -> bool) -> Option<&str> {
    rules.iter().find(|rule| holds(rule)).map(|rule| rule.name.as_str())
}

impl Verdict<'_> {
    /// The verdict as logs and `explain` show it.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Verdict::Pass(Pass::NoSite) => "no-site",
            Verdict::Pass(Pass::Online) => "online",
            Verdict::Pass(Pass::Exempt(rule)) => return Cow::Owned(["exempt:", rule].concat()),
            Verdict::Pass(Pass::RedirectTarget) => "redirect-target",
            Verdict::Pass(Pass::ReadOnly) => "read_only",
            Verdict::HealthCheck(rule) => return Cow::Owned(["health-check:", rule].concat()),
            Verdict::Refuse(Refusal::AlwaysClosed(rule)) => return Cow::Owned(["always_closed:", rule].concat()),
            Verdict::Refuse(Refusal::Mode(mode)) => mode.name(),
        })
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests;
