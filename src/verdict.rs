//! The order of decision. It stands here, once.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use crate::policy::{Effect, Policy, Rule, Site, SiteMatch};
use crate::request::Request;
use crate::state::{EffectiveState, Mode};

/// The decision on one request, with the name of what decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// It goes on to the application.
    Pass(PassReason<'p>),
    /// The filter answers the probe itself: the rule's name.
    HealthCheck(&'p str),
    /// It is refused.
    Refuse(Refusal<'p>),
}

/// Why a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassReason<'p> {
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
    pub state: &'p EffectiveState,
    /// The verdict.
    pub verdict: Verdict<'p>,
}

impl Decision<'_> {
    /// The value of `x-maintenance-status`, by which the application knows of a request that passes a site which is not
    /// online; none for any other.
    pub fn status(&self) -> Option<String> {
        let mode = self.state.mode();
        let until = || self.state.until().map(|until| format!("; until={until}")).unwrap_or_default();
        (mode != Mode::Online).then(|| format!("{mode}; via={}{}", self.verdict.text(), until()))
    }
}

/// Decides on a request. `state` says what holds now at a site of the policy, by position.
///
/// A request that may belong to several sites, because servers read its host or path in different ways, passes only if
/// each of them lets it pass.
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
        SiteMatch::One(position, path) => position.and_then(at).map(|case| case.decide(&[path])),
        SiteMatch::Several(sites) => {
            strictest(sites.iter().filter_map(|(position, paths)| at(*position).map(|case| case.decide(paths))))
        }
        SiteMatch::AnyPath(sites) => strictest(sites.into_iter().filter_map(at).map(|case| case.decide_for_any_path())),
        SiteMatch::AnySite => strictest((0..policy.sites.len()).filter_map(at).map(|case| case.decide_for_any_host())),
    };
    // 1. It belongs to no site.
    decision.unwrap_or(Decision {
        site: None,
        state: EffectiveState::ONLINE,
        verdict: Verdict::Pass(PassReason::NoSite),
    })
}

/// The first decision that keeps the request from the application, or else the first at a site of the strictest mode.
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

/// A request at a site that it may belong to.
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

    /// Decides on a request that has one of these paths at the site.
    fn decide(&self, paths: &[&str]) -> Decision<'p> {
        let modes = self.state.modes();
        // 2. A rule refuses it, also while the site is online.
        let effect = Effect::Closes(paths);
        let closes = |rule: &Rule| modes.or_online().any(|mode| rule.matches(self.request, mode, effect));
        if let Some(rule) = first(&self.site.always_closed, closes) {
            return self.decision(Verdict::Refuse(Refusal::AlwaysClosed(rule)));
        }
        // 3. No mode is active but online. A request passes a closed site only if every active mode would let it pass.
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

    /// Decides on a request whose path may lead to any path of the host, or that asks for a tunnel to it.
    fn decide_for_any_path(&self) -> Decision<'p> {
        let mode = self.state.mode();
        if mode != Mode::Online && (self.site.has_paths() || self.request.is_connect()) {
            return self.decision(Verdict::Refuse(Refusal::Mode(mode)));
        }
        let decision = self.decide(&[]);
        let modes = self.state.modes();
        match first(&self.site.always_closed, |rule| rule.names_paths_in(modes)) {
            Some(rule) if !matches!(decision.verdict, Verdict::Refuse(_)) => {
                self.decision(Verdict::Refuse(Refusal::AlwaysClosed(rule)))
            }
            _ => decision,
        }
    }

    /// Decides on a request whose host cannot be read.
    fn decide_for_any_host(&self) -> Decision<'p> {
        self.decision(match (self.state.mode(), first(&self.site.always_closed, |_| true)) {
            (Mode::Online, None) => Verdict::Pass(PassReason::Online),
            (Mode::Online, Some(rule)) => Verdict::Refuse(Refusal::AlwaysClosed(rule)),
            (mode, _) => Verdict::Refuse(Refusal::Mode(mode)),
        })
    }

    fn decide_in(&self, mode: Mode) -> Verdict<'p> {
        let Candidate { site, state, request, .. } = self;
        let opens = |rule: &Rule| rule.matches(request, mode, Effect::Opens);
        // 4. Health checks, so that an application that is down does not take the page's Envoy out of its balancer.
        if let Some(rule) = first(&site.health_checks, opens) {
            return Verdict::HealthCheck(rule);
        }
        // 5. An exempt rule that is not suspended.
        if let Some(rule) = first(&site.exempt, |rule| !state.suspends(&rule.name) && opens(rule)) {
            return Verdict::Pass(PassReason::Exempt(rule));
        }
        // 6. Where the site's own reply sends browsers.
        let is_read = matches!(request.method, b"GET" | b"HEAD") && !request.may_change_method();
        let is_own_host = || request.host.as_ref().is_some_and(|host| site.is_exact_host(host));
        if is_read && site.redirect_target.as_ref().is_some_and(|target| target.matches(request)) && is_own_host() {
            return Verdict::Pass(PassReason::RedirectTarget);
        }
        // 7. Read-only, and it changes nothing.
        let is_safe = is_read || request.method == b"OPTIONS" && !request.may_change_method();
        if mode == Mode::ReadOnly && is_safe {
            return Verdict::Pass(PassReason::ReadOnly);
        }
        // 8. Refused.
        Verdict::Refuse(Refusal::Mode(mode))
    }
}

fn first(rules: &[Rc<Rule>], matches: impl Fn(&Rule) -> bool) -> Option<&str> {
    rules.iter().find(|rule| matches(rule)).map(|rule| rule.name.as_str())
}

impl Verdict<'_> {
    /// The verdict as logs and `explain` show it.
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

#[cfg(test)]
mod tests;
