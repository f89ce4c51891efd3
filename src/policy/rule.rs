//! A rule: named conditions on a request, all of which must hold.

use std::rc::Rc;

use crate::config::{ClaimConfig, NamedConfig, RuleConfig, TextConfig};
use crate::matching::cidr::{self, IpSet};
use crate::matching::path::compile_paths;
use crate::matching::text::{TextMatcher, Unexamined, as_written};
use crate::request::{Pair, Request, Separator, is_token_byte, unquoted};
use crate::state::{Mode, ModeSet};
use crate::tree::{KeyPath, PathError};

/// One rule, compiled.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    paths: Option<TextMatcher>,
    methods: Option<Vec<String>>,
    remote_ips: Option<IpSet>,
    uri_sans: Option<TextMatcher>,
    headers: Vec<Named>,
    query: Vec<Named>,
    cookies: Vec<Named>,
    claims: Vec<Claim>,
    modes: Option<ModeSet>,
    /// A condition that only a built-in rule has.
    built_in: Option<fn(&Request<'_>) -> bool>,
}

/// What a rule does with the requests that it matches, and so how it takes what servers may read in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'p> {
    /// It lets them through: it matches only what every server reads alike.
    Opens,
    /// It refuses them: it matches if it would by any of these paths, or by any other reading of the request.
    Closes(&'p [&'p str]),
}

impl Effect<'_> {
    fn unknown(self) -> Unexamined {
        match self {
            Effect::Opens => Unexamined::Differs,
            Effect::Closes(_) => Unexamined::Matches,
        }
    }
}

#[derive(Clone, Debug)]
struct Named {
    name: String,
    value: TextMatcher,
}

#[derive(Clone, Debug)]
struct Claim {
    iss: String,
    path: Vec<String>,
    value: TextMatcher,
}

/// Rules in order; those for every site are shared, not copied.
pub type Rules = Vec<Rc<Rule>>;

/// What it costs to look at a rule, in units of the budget.
const RULE: usize = 16;
/// What it costs to compare the name of one header, parameter or cookie, in units of the budget.
const NAME: usize = 2;

impl Rule {
    /// Compiles a rule; `path` is where it stands.
    pub fn compile(config: &RuleConfig, path: &KeyPath<'_>) -> Result<Rule, PathError> {
        // Every field by name, so that a new one must be dealt with here.
        let RuleConfig { name, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes } = config;
        let rule = Rule {
            name: super::name(name, &path.key("name"))?,
            paths: optional(paths, |texts| compile_paths(texts, &path.key("paths")))?,
            methods: optional(methods, |methods| compile_methods(methods, &path.key("methods")))?,
            remote_ips: optional(remote_ips, |ranges| compile_ranges(ranges, &path.key("remote_ips")))?,
            uri_sans: optional(uri_sans, |texts| compile_uri_sans(texts, &path.key("uri_sans")))?,
            headers: compile_named(headers, &path.key("headers"), header_name)?,
            query: compile_named(query, &path.key("query"), |name| Ok(name.to_owned()))?,
            cookies: compile_named(cookies, &path.key("cookies"), cookie_name)?,
            claims: compile_claims(claims, &path.key("claims"))?,
            modes: optional(modes, |modes| compile_modes(modes, &path.key("modes")))?,
            built_in: None,
        };
        let conditions = [
            paths.is_some(),
            methods.is_some(),
            remote_ips.is_some(),
            uri_sans.is_some(),
            headers.is_some(),
            query.is_some(),
            cookies.is_some(),
            claims.is_some(),
        ];
        if conditions.contains(&true) {
            Ok(rule)
        } else {
            Err(PathError::new(path, "a rule without a condition would hold for everyone"))
        }
    }

    /// The rule of a name of our own that asks for nothing but this.
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

    /// Whether the rule applies in one of `modes` at all, and asks for a path.
    pub fn names_paths_in(&self, modes: ModeSet) -> bool {
        let applies = |mode| self.modes.is_none_or(|own| own.contains(mode));
        self.paths.is_some() && modes.or_online().any(applies)
    }

    /// Whether the rule matches `request` in `mode`.
    pub fn matches(&self, request: &Request<'_>, mode: Mode, effect: Effect<'_>) -> bool {
        let Rule { name: _, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes, built_in } =
            self;
        let (budget, unknown) = (&request.budget, effect.unknown());
        if !budget.pay(RULE + methods.as_ref().map_or(0, |methods| methods.len() * NAME)) {
            return unknown.is_match();
        }
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
            && uri_sans.as_ref().is_none_or(|sans| sans.is_match_any(request.peer.uri_sans(), unknown, budget))
            && claims.iter().all(|claim| claim.matches(request, unknown))
    }
}

impl Named {
    fn matches_header(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let (budget, unknown) = (&request.budget, effect.unknown());
        if !budget.pay(request.headers.len() * NAME) {
            return unknown.is_match();
        }
        // A pseudo-header has more readings than its bytes.
        let other = match (self.name.as_str(), effect) {
            (":path", _) if request.path.canonical().is_none() => return unknown.is_match(),
            (":path", Effect::Closes(_)) => request.path.canonical().map(|path| path.as_bytes().to_vec()),
            (":method", Effect::Closes(_)) => Some(request.method.to_ascii_uppercase()),
            (":authority", Effect::Closes(_)) => request.host.as_ref().map(|host| host.as_str().as_bytes().to_vec()),
            _ => None,
        };
        let values = request.headers.all(&self.name).chain(other.as_deref());
        self.value.is_match_any(values, unknown, budget)
    }

    fn matches_parameter(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let unknown = effect.unknown();
        let matches = |separator| match request.parameters(separator).and_then(|pairs| self.values(pairs, request)) {
            Some(values) => self.value.is_match_any(values, unknown, &request.budget),
            None => unknown.is_match(),
        };
        let may_separate = || effect != Effect::Opens && request.query.contains(&b';');
        matches(Separator::Ampersand) || may_separate() && matches(Separator::Either)
    }

    fn matches_cookie(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let unknown = effect.unknown();
        let Some(values) = request.cookies().and_then(|pairs| self.values(pairs, request)) else {
            return unknown.is_match();
        };
        match effect {
            Effect::Opens => self.value.is_match_any(values, unknown, &request.budget),
            Effect::Closes(_) => {
                let values = values.flat_map(|value| [Some(value), unquoted(value)]).flatten();
                self.value.is_match_any(values, unknown, &request.budget)
            }
        }
    }

    /// The values under this name; none where the budget does not suffice to look for it.
    fn values<'p>(&'p self, pairs: &'p [Pair<'_>], request: &Request<'_>) -> Option<impl Iterator<Item = &'p [u8]>> {
        let is_own = |(name, _): &&Pair<'_>| name.as_ref() == self.name.as_bytes();
        request.budget.pay(pairs.len() * NAME).then(|| pairs.iter().filter(is_own).map(|(_, value)| value.as_ref()))
    }
}

impl Claim {
    fn matches(&self, request: &Request<'_>, unknown: Unexamined) -> bool {
        let budget = &request.budget;
        let issuers = request.peer.claim(&["iss".to_owned()], budget);
        let is_issuer = matches!(&*issuers, [one] if one == self.iss.as_bytes());
        let values = request.peer.claim(&self.path, budget);
        // The peer spends the budget where it could not ask for everything.
        if !budget.pay(1) {
            return unknown.is_match();
        }
        is_issuer && self.value.is_match_any(values.iter(), unknown, budget)
    }
}

/// Methods are case-sensitive (RFC 9110 section 9.1), but some servers compare them in upper case, or take the one that a
/// header names instead.
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
    let matches = |path: &str| paths.is_match(path.as_bytes(), effect.unknown(), &request.budget);
    match effect {
        Effect::Opens => request.path.canonical().is_some_and(matches),
        Effect::Closes(paths) => paths.iter().any(|path| matches(path)),
    }
}

fn optional<C, T>(
    config: &Option<C>,
    compile: impl FnOnce(&C) -> Result<T, PathError>,
) -> Result<Option<T>, PathError> {
    config.as_ref().map(compile).transpose()
}

fn compile_methods(methods: &[String], path: &KeyPath<'_>) -> Result<Vec<String>, PathError> {
    if methods.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    for (index, method) in methods.iter().enumerate() {
        if method.is_empty() || !method.bytes().all(|byte| is_token_byte(byte) && !byte.is_ascii_lowercase()) {
            let problem = format_args!("\"{method}\" is not a method in upper case");
            return Err(PathError::new(&path.index(index), problem));
        }
    }
    Ok(methods.to_vec())
}

fn compile_ranges(ranges: &[String], path: &KeyPath<'_>) -> Result<IpSet, PathError> {
    if ranges.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    let range = |(index, text): (usize, &String)| {
        cidr::parse(text).map_err(|problem| PathError::new(&path.index(index), problem))
    };
    ranges.iter().enumerate().map(range).collect::<Result<_, _>>().map(IpSet::new)
}

fn compile_uri_sans(texts: &[TextConfig], path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    for (index, text) in texts.iter().enumerate() {
        // A scheme ends with a colon (RFC 3986 section 3.1), and a group of a regex does not begin with one.
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let scheme = match text {
            TextConfig::Plain(text) => {
                let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
                Some((text, starts && text.bytes().find(|byte| !is_scheme(byte)) == Some(b':')))
            }
            TextConfig::Regex(regex) => {
                let mut pairs = regex.as_bytes().windows(2);
                Some((regex, pairs.any(|pair| matches!(pair, [before, b':'] if *before != b'?'))))
            }
            TextConfig::Sha256(_) | TextConfig::Absent => None,
        };
        if let Some((text, false)) = scheme {
            let problem = format_args!("\"{text}\" names no scheme such as spiffe://");
            return Err(PathError::new(&path.index(index), problem));
        }
        if let TextConfig::Absent = text {
            return Err(PathError::new(&path.index(index), "a missing certificate proves nothing"));
        }
    }
    TextMatcher::compile(texts, path, as_written)
}

fn compile_named(
    named: &Option<Vec<NamedConfig>>,
    path: &KeyPath<'_>,
    canonical: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<Named>, PathError> {
    let Some(named) = named else {
        return Ok(Vec::new());
    };
    if named.is_empty() {
        return Err(PathError::new(path, "an empty list asks for nothing"));
    }
    let compile = |(index, NamedConfig { name, value }): (usize, &NamedConfig)| {
        let path = path.index(index);
        if name.is_empty() {
            return Err(PathError::new(&path.key("name"), "empty"));
        }
        Ok(Named {
            name: canonical(name).map_err(|problem| PathError::new(&path.key("name"), problem))?,
            value: compile_value(value, &path)?,
        })
    };
    named.iter().enumerate().map(compile).collect()
}

fn compile_value(value: &Option<Vec<TextConfig>>, path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    match value {
        None => Ok(TextMatcher::present()),
        Some(texts) => TextMatcher::compile(texts, &path.key("value"), as_written),
    }
}

fn compile_claims(claims: &Option<Vec<ClaimConfig>>, path: &KeyPath<'_>) -> Result<Vec<Claim>, PathError> {
    let Some(claims) = claims else {
        return Ok(Vec::new());
    };
    if claims.is_empty() {
        return Err(PathError::new(path, "an empty list asks for nothing"));
    }
    let compile = |(index, ClaimConfig { iss, name, value }): (usize, &ClaimConfig)| {
        let path = path.index(index);
        // The dots of a claim that is named by a URL (RFC 7519 section 4.2) are its own.
        let members: Vec<String> = match name.contains("://") {
            true => vec![name.clone()],
            false => name.split('.').map(str::to_owned).collect(),
        };
        if members.iter().any(String::is_empty) {
            let problem = format_args!("\"{name}\" is not a claim, or members joined by dots");
            return Err(PathError::new(&path.key("name"), problem));
        }
        if iss.is_empty() {
            return Err(PathError::new(&path.key("iss"), "empty; a claim is worth what its issuer is"));
        }
        Ok(Claim { iss: iss.clone(), path: members, value: compile_value(value, &path)? })
    };
    claims.iter().enumerate().map(compile).collect()
}

fn compile_modes(modes: &[Mode], path: &KeyPath<'_>) -> Result<ModeSet, PathError> {
    if modes.is_empty() {
        return Err(PathError::new(path, "an empty list holds in no mode"));
    }
    let mut set = ModeSet::default();
    modes.iter().for_each(|mode| set.insert(*mode));
    Ok(set)
}

/// The name under which Envoy hands a header over.
fn header_name(name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "host" => Ok(":authority".to_owned()),
        ":authority" | ":method" | ":path" | ":scheme" => Ok(lower),
        other if other.bytes().all(is_token_byte) => Ok(lower),
        _ => Err(format!("\"{name}\" is not a header name")),
    }
}

/// Browsers and servers are lax about the names of cookies, but what ends one cannot be in it.
fn cookie_name(name: &str) -> Result<String, String> {
    if name.contains(['=', ';']) || name.trim() != name {
        return Err(format!("\"{name}\" is not a cookie name"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
