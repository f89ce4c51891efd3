//! The decision on a request: [`decide`] is the only implementation of the order of decision.
//!
//! The first step that applies decides:
//!
//! 1. The request belongs to no site → pass (`no-site`).
//! 2. An `always_closed` rule of its site matches → refuse (`always_closed:<rule>`).
//! 3. The site is online → pass (`online`).
//! 4. A health check matches → the filter answers 200 itself (`health-check:<rule>`).
//! 5. An exempt rule that is not suspended matches → pass (`exempt:<rule>`).
//! 6. The request is for the target of the site's own redirect → pass (`redirect-target`).
//! 7. The mode is `read_only` and the request changes nothing → pass (`read_only`).
//! 8. Otherwise → refuse (the name of the mode).
//!
//! If several modes are active, for example of two windows, steps 4 to 8 are evaluated for each of them, and the request
//! passes only if every one lets it pass.
//!
//! Servers interpret some requests differently, for example a path with `//` or an encoded slash. Such a request may
//! belong to several sites, or to a site by several paths. It passes only if it would pass at each of these sites, rules
//! that open match only what all servers interpret alike, and rules that close match any interpretation (see
//! [`Effect`]). If the host itself is ambiguous, the request is refused as soon as any site is closed or has an
//! `always_closed` rule.
//!
//! A decision states its reason and knows no status codes; [`reply`](crate::reply) turns a refusal into a response.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use crate::policy::{Effect, Policy, Rule, Site, SiteMatch};
use crate::request::Request;
use crate::state::{EffectiveState, Mode};

#[cfg(test)]
mod tests;

/// The verdict on one request, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// The request goes on to the application.
    Pass(PassReason<'p>),
    /// The filter answers the request itself. Contains the name of the health check rule.
    HealthCheck(&'p str),
    /// The request is refused.
    Refuse(Refusal<'p>),
}

/// The reason why a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassReason<'p> {
    /// The request belongs to no site.
    NoSite,
    /// The site is online.
    Online,
    /// The exempt rule of this name matches.
    Exempt(&'p str),
    /// The request is for the target of the site's redirect.
    RedirectTarget,
    /// The site is read-only and the request changes nothing.
    ReadOnly,
}

/// The reason why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'p> {
    /// The `always_closed` rule of this name matches.
    AlwaysClosed(&'p str),
    /// This mode is active.
    Mode(Mode),
}

/// A verdict, with the site that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'p> {
    /// The site and its position in the policy; none if the request belongs to no site.
    pub site: Option<(usize, &'p Site)>,
    /// The state of the site.
    pub state: &'p EffectiveState,
    /// The verdict.
    pub verdict: Verdict<'p>,
}

impl Decision<'_> {
    /// The value of the header `x-maintenance-status`, which tells the application that a request has passed a site that
    /// is not online: `<mode>; via=<verdict>; until=<time>`. None if the site is online.
    pub fn status(&self) -> Option<String> {
        let mode = self.state.mode();
        let until = || self.state.until().map(|until| format!("; until={until}")).unwrap_or_default();
        (mode != Mode::Online).then(|| format!("{mode}; via={}{}", self.verdict.text(), until()))
    }
}

/// Decides on a request. `state` returns the current state of a site, by its position in the policy.
pub fn decide<'p>(
    policy: &'p Policy,
    state: impl Fn(usize) -> &'p EffectiveState,
    request: &Request<'_>,
) -> Decision<'p> {
    let at = |position: usize| {
        let site = policy.sites.get(position)?;
        Some(Candidate { position, site, state: state(position), request })
    };
    let decision = match policy.index.find(request) {
        SiteMatch::One(position, path) => position.and_then(at).map(|candidate| candidate.decide(&[path])),
        SiteMatch::Several(sites) => strictest(
            sites.iter().filter_map(|(position, paths)| at(*position).map(|candidate| candidate.decide(paths))),
        ),
        SiteMatch::AnyPath(sites) => {
            strictest(sites.into_iter().filter_map(at).map(|candidate| candidate.decide_for_any_path()))
        }
        SiteMatch::AnySite => {
            strictest((0..policy.sites.len()).filter_map(at).map(|candidate| candidate.decide_for_any_host()))
        }
    };
    // Step 1.
    decision.unwrap_or(Decision {
        site: None,
        state: EffectiveState::ONLINE,
        verdict: Verdict::Pass(PassReason::NoSite),
    })
}

/// The first decision that does not let the request pass, or else the first of those about the strictest mode.
fn strictest<'p>(decisions: impl Iterator<Item = Decision<'p>>) -> Option<Decision<'p>> {
    let mut strictest: Option<Decision<'p>> = None;
    for decision in decisions {
        if !matches!(decision.verdict, Verdict::Pass(_)) {
            return Some(decision);
        }
        if strictest.is_none_or(|known| decision.state.mode() > known.state.mode()) {
            strictest = Some(decision);
        }
    }
    strictest
}

/// A site to which a request may belong.
struct Candidate<'c, 'r, 'p> {
    position: usize,
    site: &'p Site,
    state: &'p EffectiveState,
    request: &'c Request<'r>,
}

impl<'p> Candidate<'_, '_, 'p> {
    fn decision(&self, verdict: Verdict<'p>) -> Decision<'p> {
        Decision { site: Some((self.position, self.site)), state: self.state, verdict }
    }

    /// Decides on a request with these paths at the site: one canonical path, or all interpretations of an ambiguous one.
    fn decide(&self, paths: &[&str]) -> Decision<'p> {
        let modes = self.state.modes();
        // Step 2.
        let effect = Effect::Closes(paths);
        let closes = |rule: &Rule| modes.or_online().any(|mode| rule.matches(self.request, mode, effect));
        if let Some(rule) = first(&self.site.always_closed, closes) {
            return self.decision(Verdict::Refuse(Refusal::AlwaysClosed(rule)));
        }
        // Step 3 applies if there are no modes. Otherwise, the first refusal decides, else the strictest mode.
        let mut verdict = Verdict::Pass(PassReason::Online);
        for mode in modes.strictest_first() {
            let next = self.decide_in(mode);
            match (verdict, next) {
                (_, Verdict::Refuse(_)) => return self.decision(next),
                (Verdict::Pass(PassReason::Online), _) => verdict = next,
                _ => {}
            }
        }
        self.decision(verdict)
    }

    /// Steps 4 to 8, for one active mode.
    fn decide_in(&self, mode: Mode) -> Verdict<'p> {
        let Candidate { site, state, request, .. } = self;
        let opens = |rule: &Rule| rule.matches(request, mode, Effect::Opens);
        // Step 4. The application may be down; without an answer, a load balancer would remove the Envoy that serves the
        // maintenance page.
        if let Some(rule) = first(&site.health_checks, opens) {
            return Verdict::HealthCheck(rule);
        }
        // Step 5.
        if let Some(rule) = first(&site.exempt, |rule| !state.suspends(&rule.name) && opens(rule)) {
            return Verdict::Pass(PassReason::Exempt(rule));
        }
        // Step 6. Exact hosts only: with a suffix or `*`, the target would open hosts that the policy does not name.
        let is_read = matches!(request.method, b"GET" | b"HEAD") && !request.may_change_method();
        let is_own_host = || request.host.as_ref().is_some_and(|host| site.is_exact_host(host));
        if is_read && site.redirect_target.as_ref().is_some_and(|target| target.matches(request)) && is_own_host() {
            return Verdict::Pass(PassReason::RedirectTarget);
        }
        // Step 7. The methods are those that are safe (RFC 9110 section 9.2.1), except TRACE.
        let is_safe = is_read || request.method == b"OPTIONS" && !request.may_change_method();
        if mode == Mode::ReadOnly && is_safe {
            return Verdict::Pass(PassReason::ReadOnly);
        }
        // Step 8.
        Verdict::Refuse(Refusal::Mode(mode))
    }

    /// Decides on a request whose path may resolve to any path of the host, or that opens a tunnel to it (CONNECT). It is
    /// refused if some path of the site would be.
    fn decide_for_any_path(&self) -> Decision<'p> {
        let mode = self.state.mode();
        if mode != Mode::Online && (self.site.has_paths() || self.request.is_connect()) {
            return self.decision(Verdict::Refuse(Refusal::Mode(mode)));
        }
        let decision = self.decide(&[]);
        let modes = self.state.modes();
        match first(&self.site.always_closed, |rule| rule.has_paths_in(modes)) {
            Some(rule) if !matches!(decision.verdict, Verdict::Refuse(_)) => {
                self.decision(Verdict::Refuse(Refusal::AlwaysClosed(rule)))
            }
            _ => decision,
        }
    }

    /// Decides on a request whose host is ambiguous. It is refused if the site is closed or has an `always_closed` rule.
    fn decide_for_any_host(&self) -> Decision<'p> {
        self.decision(match (self.state.mode(), first(&self.site.always_closed, |_| true)) {
            (Mode::Online, None) => Verdict::Pass(PassReason::Online),
            (Mode::Online, Some(rule)) => Verdict::Refuse(Refusal::AlwaysClosed(rule)),
            (mode, _) => Verdict::Refuse(Refusal::Mode(mode)),
        })
    }
}

/// The name of the first rule that matches.
fn first(rules: &[Rc<Rule>], matches: impl Fn(&Rule) -> bool) -> Option<&str> {
    rules.iter().find(|rule| matches(rule)).map(|rule| rule.name.as_str())
}

impl Verdict<'_> {
    /// The verdict in logs and `explain`, such as `exempt:staff`.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Verdict::Pass(PassReason::NoSite) => "no-site",
            Verdict::Pass(PassReason::Online) => "online",
            Verdict::Pass(PassReason::Exempt(rule)) => return Cow::Owned(["exempt:", rule].concat()),
            Verdict::Pass(PassReason::RedirectTarget) => "redirect-target",
            Verdict::Pass(PassReason::ReadOnly) => "read_only",
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
