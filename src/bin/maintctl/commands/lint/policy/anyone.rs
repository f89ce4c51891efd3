//! Rules that anyone can satisfy, without knowing or having anything that others lack.
//!
//! Each condition of a rule is compiled on its own and compared with requests that have little in common. A condition
//! that matches all of them is a catch-all.

use std::net::IpAddr;

use envoy_maintenance::config::{NamedConfig, RuleConfig};
use envoy_maintenance::matching::cidr;
use envoy_maintenance::policy::{Effect, Rule};
use envoy_maintenance::request::{HeaderMap, Request, UnknownPeer, WorkBudget};
use envoy_maintenance::state::Mode;
use envoy_maintenance::tree::KeyPath;

/// A way for anyone to satisfy a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Any request matches.
    None,
    /// A request matches if it omits a header, parameter or cookie.
    Omit,
    /// A request matches if it sends a header, parameter or cookie with any value.
    Send,
}

const PATHS: [&str; 6] = ["/", "/a", "/index.html", "/Shop/Cart/", "/api/v1/users/42", "/~x/%C3%A9-_"];
const VALUES: [&str; 6] = ["/", "a", "0", "Maintenance", "Mozilla/5.0 (X11; Linux x86_64)", "k=v-_.~"];
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The effort with which anyone can satisfy `rule`; `None` if the rule asks for something that not everyone has.
pub fn effort(rule: &RuleConfig) -> Option<Effort> {
    let RuleConfig { name: _, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes: _ } = rule;
    if uri_sans.is_some() || claims.is_some() || !remote_ips.as_ref().is_none_or(|ranges| is_every_address(ranges)) {
        return None;
    }
    if paths.is_some() {
        let only = RuleConfig { paths: paths.clone(), ..empty() };
        PATHS.iter().all(|path| is_match(&only, &[(":path", path)])).then_some(())?;
    }
    if methods.is_some() {
        let only = RuleConfig { methods: methods.clone(), ..empty() };
        METHODS.iter().all(|method| is_match(&only, &[(":method", method)])).then_some(())?;
    }
    let headers = headers.iter().flatten().map(|header| named(header, Kind::Header));
    let query = query.iter().flatten().map(|parameter| named(parameter, Kind::Parameter));
    let cookies = cookies.iter().flatten().map(|cookie| named(cookie, Kind::Cookie));
    headers.chain(query).chain(cookies).try_fold(Effort::None, |most, effort| effort.map(|one| most.max(one)))
}

/// The name of a cookie whose presence alone satisfies `rule`, apart from its paths and methods.
pub fn decisive_cookie(rule: &RuleConfig) -> Option<&str> {
    let cookies = rule.cookies.iter().flatten();
    let mut present = cookies.filter(|cookie| named(cookie, Kind::Cookie) == Some(Effort::Send));
    let cookie = present.next()?;
    let of_any_path = RuleConfig { paths: None, methods: None, ..rule.clone() };
    (effort(&of_any_path) == Some(Effort::Send)).then_some(&cookie.name)
}

#[derive(Clone, Copy)]
enum Kind {
    Header,
    Parameter,
    Cookie,
}

/// The effort with which anyone can satisfy one condition on a header, parameter or cookie.
fn named(condition: &NamedConfig, kind: Kind) -> Option<Effort> {
    let conditions = Some(vec![condition.clone()]);
    let only = match kind {
        Kind::Header => RuleConfig { headers: conditions, ..empty() },
        Kind::Parameter => RuleConfig { query: conditions, ..empty() },
        Kind::Cookie => RuleConfig { cookies: conditions, ..empty() },
    };
    let name = &condition.name;
    let sent = |value: &&str| match kind {
        Kind::Header if name.eq_ignore_ascii_case("host") => is_match(&only, &[(":authority", value)]),
        Kind::Header => is_match(&only, &[(&name.to_ascii_lowercase(), value)]),
        Kind::Parameter => is_match(&only, &[(":path", &format!("/?{name}={}", value.replace(' ', "+")))]),
        Kind::Cookie => is_match(&only, &[("cookie", &format!("{name}={}", value.replace(';', "")))]),
    };
    match (is_match(&only, &[]), VALUES.iter().all(sent)) {
        (true, true) => Some(Effort::None),
        (true, false) => Some(Effort::Omit),
        (false, true) => Some(Effort::Send),
        (false, false) => None,
    }
}

/// True if a rule matches a request with these headers from an unknown client.
fn is_match(rule: &RuleConfig, entries: &[(&str, &str)]) -> bool {
    let Ok(rule) = Rule::compile(rule, &KeyPath::Root) else { return false };
    let default = [(":method", "GET"), (":authority", "host"), (":path", "/")];
    let default = default.iter().filter(|(name, _)| entries.iter().all(|(own, _)| own != name));
    let entries = default.chain(entries).map(|(name, value)| ((*name).into(), (*value).into()));
    let headers = HeaderMap::new(entries.collect());
    let mut request = Request::new(&headers, &UnknownPeer);
    request.budget = WorkBudget::unlimited();
    rule.matches(&request, Mode::Offline, Effect::Opens)
}

/// True if the ranges cover all IPv4 addresses, or all IPv6 addresses.
fn is_every_address(ranges: &[String]) -> bool {
    let mapped = cidr::parse("0.0.0.0").map_or(0, |(first, _)| first);
    let mut ranges: Vec<(u128, u128)> = ranges.iter().filter_map(|range| cidr::parse(range).ok()).collect();
    ranges.sort_unstable();
    let covers = |from: IpAddr, to: IpAddr| {
        let (Ok((first, _)), Ok((_, last))) = (cidr::parse(&from.to_string()), cidr::parse(&to.to_string())) else {
            return false;
        };
        let mut next = first;
        // A range that begins before the first IPv4 address is one of IPv6, and contains no IPv4 client.
        for (from, to) in ranges.iter().filter(|(from, _)| from >= &first || first != mapped) {
            if *from <= next && next <= *to {
                if *to >= last {
                    return true;
                }
                next = to.saturating_add(1);
            }
        }
        false
    };
    let v4 = covers([0, 0, 0, 0].into(), [255; 4].into());
    let v6 = covers([0u16; 8].into(), [0, 0, 0, 0, 0, 0xfffe, 0xffff, 0xffff].into())
        && covers([0, 0, 0, 0, 1, 0, 0, 0].into(), [0xffffu16; 8].into());
    v4 || v6
}

/// A rule without conditions.
fn empty() -> RuleConfig {
    RuleConfig::named("rule".to_owned())
}

#[cfg(test)]
mod tests;
