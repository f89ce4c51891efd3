//! The client of a request, as flags describe it.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;

use envoy_maintenance::policy::{Effect, Rule, Site};
use envoy_maintenance::request::{Peer, Request, Scalar, WorkBudget, address};
use envoy_maintenance::state::Mode;
use envoy_maintenance::verdict::{Decision, PassReason, Refusal, Verdict};

use crate::args::{ClaimFlag, ExplainArgs};

/// A client described by flags. It records which unknown properties the rules have asked for.
#[derive(Debug, Default)]
pub struct ClientFlags {
    ip: Option<IpAddr>,
    uri_sans: Vec<String>,
    claims: Vec<ClaimFlag>,
    asked: Cell<AskedProperties>,
}

/// The unknown properties that a rule has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct AskedProperties {
    address: bool,
    certificate: bool,
    claims: bool,
    issuer: bool,
}

impl ClientFlags {
    pub fn new(args: &ExplainArgs) -> ClientFlags {
        let ExplainArgs { ip, uri_san, claim, .. } = args;
        let (uri_sans, claims) = (uri_san.clone(), claim.clone());
        ClientFlags { ip: ip.map(address::fold), uri_sans, claims, asked: Cell::default() }
    }

    fn note(&self, change: impl Fn(&mut AskedProperties)) {
        let mut asked = self.asked.get();
        change(&mut asked);
        self.asked.set(asked);
    }
}

impl Peer for ClientFlags {
    fn remote_address(&self) -> Option<IpAddr> {
        if self.ip.is_none() {
            self.note(|asked| asked.address = true);
        }
        self.ip
    }

    fn uri_sans(&self) -> Vec<Vec<u8>> {
        if self.uri_sans.is_empty() {
            self.note(|asked| asked.certificate = true);
        }
        self.uri_sans.iter().map(|uri| uri.as_bytes().to_vec()).collect()
    }

    fn claim(&self, path: &[String], _: &WorkBudget) -> Rc<[Vec<u8>]> {
        let name = path.join(".");
        let values: Rc<[Vec<u8>]> =
            self.claims.iter().filter(|claim| claim.name == name).map(|claim| claim.value.clone()).collect();
        if self.claims.is_empty() {
            self.note(|asked| asked.claims = true);
        } else if values.is_empty() && name == "iss" {
            self.note(|asked| asked.issuer = true);
        }
        values
    }

    fn claim_equals(&self, path: &[String], value: Scalar, _: &WorkBudget) -> bool {
        let (name, bytes) = (path.join("."), value.bytes());
        self.claims.iter().any(|claim| !claim.is_text && claim.name == name && claim.value == bytes)
    }
}

/// Notes on the rules that could have changed the verdict, but depend on unknown properties.
pub fn notes(site: &Site, decision: &Decision<'_>, request: &Request<'_>, flags: &ClientFlags) -> Vec<String> {
    let here = decision.state;
    let modes: Vec<Mode> = here.modes().or_online().collect();
    let asked_by = |rule: &Rule, effect: Effect<'_>| {
        flags.asked.set(AskedProperties::default());
        for mode in &modes {
            rule.matches(request, *mode, effect);
        }
        flags.asked.get()
    };
    let mut unknown: Vec<(&str, AskedProperties)> = Vec::new();
    let decided = match decision.verdict {
        Verdict::Refuse(Refusal::AlwaysClosed(rule))
        | Verdict::HealthCheck(rule)
        | Verdict::Pass(PassReason::Exempt(rule)) => Some(rule),
        _ => None,
    };
    let paths = request.path.paths();
    let lists = [
        (&site.always_closed, Effect::Closes(&paths)),
        (&site.health_checks, Effect::Opens),
        (&site.exempt, Effect::Opens),
    ];
    // In the order of decision, up to the rule that decided. Online sites evaluate only always_closed rules.
    let reached = if here.mode() == Mode::Online { 1 } else { lists.len() };
    'lists: for (rules, effect) in lists.into_iter().take(reached) {
        for rule in rules {
            if decided == Some(rule.name.as_str()) {
                break 'lists;
            }
            unknown.push((&rule.name, asked_by(rule, effect)));
        }
    }
    let note = |what: &str, asked: fn(&AskedProperties) -> bool| {
        let rules: Vec<&str> = unknown.iter().filter(|(_, by)| asked(by)).map(|(rule, _)| *rule).collect();
        (!rules.is_empty()).then(|| format!("{what}: {}", rules.join(", ")))
    };
    [
        note("rules that do not match, because --ip does not give the client address", |asked| asked.address),
        note("rules that do not match, because --uri-san does not describe a client certificate", |asked| {
            asked.certificate
        }),
        note("rules that do not match, because --claim does not describe a verified token", |asked| asked.claims),
        note("rules that do not match, because --claim iss=ISSUER is missing", |asked| asked.issuer),
    ]
    .into_iter()
    .flatten()
    .collect()
}
