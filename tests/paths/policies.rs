//! The policies of the search, and the paths that each of them closes.

use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::policy::Policy;
use envoy_maintenance::request::{HeaderMap, Request, UnknownPeer};
use envoy_maintenance::state::EffectiveState;
use envoy_maintenance::time::Time;
use envoy_maintenance::verdict::{Verdict, decide};

/// The decision of the filter about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The request reaches the application.
    Passes,
    /// The filter refuses it.
    Refused,
    /// The filter responds to a health check itself.
    Probe,
}

/// A policy and the host of all requests.
pub struct Case {
    /// The subject of the case.
    pub name: &'static str,
    /// The host of every request.
    pub host: &'static str,
    /// True if a host and a path in canonical form are closed.
    pub is_closed: fn(host: &str, path: &[u8]) -> bool,
    /// True if only other hosts than that of the requests have a closed site.
    pub is_of_other_hosts: bool,
    /// True if all other paths are online and must not be refused.
    pub has_online_rest: bool,
    policy: Policy,
    states: Vec<EffectiveState>,
}

const SHOP: &str = "shop.example.com";
const OPEN: &str = "open.example.com";

/// The health check path.
pub const PROBE: &[u8] = b"/healthz";

/// All policies.
pub fn cases() -> Vec<Case> {
    vec![
        case(
            "a closed path of an online host",
            SHOP,
            r#"{ "builtin_rules": false,
                 "sites": [{ "name": "rest", "hosts": ["shop.example.com"] },
                           { "name": "checkout", "hosts": ["shop.example.com"], "paths": ["/checkout"] }],
                 "state": { "checkout": { "mode": "offline" } } }"#,
            |host, path| host == SHOP && is_below(path, b"/checkout"),
            true,
        ),
        case(
            "always_closed at an online site",
            SHOP,
            r#"{ "builtin_rules": false, "sites": [{ "name": "all" }],
                 "always_closed": [{ "name": "beta", "paths": ["/beta/*"] },
                                   { "name": "internal", "paths": ["/internal"] }] }"#,
            |_, path| path.starts_with(b"/beta/") || path == b"/internal",
            true,
        ),
        case(
            "exempt and health_checks at a closed site",
            SHOP,
            r#"{ "sites": [{ "name": "all" }], "state": { "all": { "mode": "offline" } },
                 "exempt": [{ "name": "public", "paths": ["/public/*"] }],
                 "health_checks": [{ "name": "probe", "paths": ["/healthz"] }] }"#,
            |_, path| !path.starts_with(b"/public/") && !is_challenge(path),
            false,
        ),
        case(
            "an online host beside closed ones",
            OPEN,
            r#"{ "builtin_rules": false,
                 "sites": [{ "name": "open", "hosts": ["open.example.com"] },
                           { "name": "closed", "hosts": ["closed.example.com"] },
                           { "name": "half", "hosts": ["half.example.com"] },
                           { "name": "checkout", "hosts": ["half.example.com"], "paths": ["/checkout"] }],
                 "state": { "closed": { "mode": "offline" }, "checkout": { "mode": "offline" } } }"#,
            |host, path| host == "closed.example.com" || host == "half.example.com" && is_below(path, b"/checkout"),
            true,
        ),
    ]
}

/// True if a path is this one or below it.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// True if a path is an ACME challenge: one base64url segment (RFC 8555 section 8.3).
fn is_challenge(path: &[u8]) -> bool {
    let token = path.strip_prefix(b"/.well-known/acme-challenge/");
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    token.is_some_and(|token| !token.is_empty() && token.iter().all(is_base64url))
}

fn case(
    name: &'static str,
    host: &'static str,
    policy: &str,
    is_closed: fn(&str, &[u8]) -> bool,
    has_online_rest: bool,
) -> Case {
    let policy = CompiledConfig::from_plugin_configuration(policy.as_bytes()).unwrap().policy;
    let state = |site: &envoy_maintenance::policy::Site| {
        site.declared.as_ref().map_or(EffectiveState::ONLINE.clone(), |document| document.at(Time(0)))
    };
    let states = policy.sites.iter().map(state).collect();
    Case { name, host, is_closed, is_of_other_hosts: host == OPEN, has_online_rest, policy, states }
}

impl Case {
    fn ask(&self, request: &Request<'_>) -> Ruling {
        let state = |site: usize| &self.states[site];
        match decide(&self.policy, state, request).verdict {
            Verdict::Pass(_) => Ruling::Passes,
            Verdict::Refuse(_) => Ruling::Refused,
            Verdict::HealthCheck(_) => Ruling::Probe,
        }
    }
}

fn headers(host: &str, path: &[u8]) -> HeaderMap {
    let header = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    HeaderMap::new(vec![header(":method", b"GET"), header(":authority", host.as_bytes()), header(":path", path)])
}

/// The decisions about a path, by case. Cases with the same host share one request.
pub fn answers(cases: &[Case], path: &[u8]) -> Vec<Ruling> {
    let by_host = |host| headers(host, path);
    let (shop, open) = (by_host(SHOP), by_host(OPEN));
    let (shop, open) = (Request::new(&shop, &UnknownPeer), Request::new(&open, &UnknownPeer));
    cases.iter().map(|case| case.ask(if case.host == SHOP { &shop } else { &open })).collect()
}
