//! What is known of a request: its headers, read once, and what only Envoy can say of the client, asked for when a rule
//! wants to know. Header values are bytes, as what a stranger sends need not be text.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::ops::Range;
use std::rc::Rc;

pub mod address;
mod budget;
pub mod host;
pub mod path;
mod values;

pub use budget::{HOSTCALL, UNITS, WorkBudget};
pub use host::{Authority, Host};
pub use path::RequestPath;
pub use values::{Pair, Separator, unquoted};

/// The request's headers, as Envoy holds them: names in lower case, pseudo headers included, order kept.
#[derive(Clone, Debug, Default)]
pub struct HeaderMap {
    /// All names and values, as they came.
    bytes: Vec<u8>,
    /// Where in `bytes` each name and its value stand.
    entries: Vec<(Range<usize>, Range<usize>)>,
}

impl HeaderMap {
    /// HeaderMap from pairs of name (lower case) and value.
    pub fn new(entries: Vec<(Vec<u8>, Vec<u8>)>) -> HeaderMap {
        let mut headers = HeaderMap::default();
        let mut put = |part: Vec<u8>| {
            let start = headers.bytes.len();
            headers.bytes.extend(part);
            start..headers.bytes.len()
        };
        let entries = entries.into_iter().map(|(name, value)| (put(name), put(value))).collect();
        HeaderMap { entries, ..headers }
    }

    /// HeaderMap whose names (lower case) and values stand in `bytes`, at those places.
    pub fn within(bytes: Vec<u8>, entries: Vec<(Range<usize>, Range<usize>)>) -> HeaderMap {
        HeaderMap { bytes, entries }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.pairs().map(|(name, _)| name)
    }

    /// All names and values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(name, value)| (self.part(name), self.part(value)))
    }

    /// Every occurrence of `name` (lower case).
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.entries.iter().filter(move |(key, _)| self.is(key, name)).map(|(_, value)| self.part(value))
    }

    /// The first occurrence of `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(key, _)| self.is(key, name)).map(|(_, value)| self.part(value))
    }

    /// Whether `name` stands at `place`. The length tells most names apart.
    fn is(&self, place: &Range<usize>, name: &str) -> bool {
        place.len() == name.len() && self.part(place) == name.as_bytes()
    }

    fn part(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }
}

/// What Envoy alone knows of who sent the request. Asked lazily: each answer may cost a hostcall.
pub trait Peer {
    /// The downstream remote address after Envoy's own trust in proxies, IPv4-mapped IPv6 folded.
    fn remote_address(&self) -> Option<IpAddr>;
    /// The URI SANs of the client's certificate.
    fn uri_sans(&self) -> Vec<Vec<u8>>;
    /// The values of the claim under `path` in the token that jwt_authn has verified: one for a scalar, one an element
    /// for a list, none where there is no such claim. Where the budget does not suffice to ask for all of them, it is
    /// spent.
    fn claim(&self, path: &[String], budget: &WorkBudget) -> Rc<[Vec<u8>]>;
}

/// A client of whom nothing is known.
pub struct UnknownPeer;

impl Peer for UnknownPeer {
    fn remote_address(&self) -> Option<IpAddr> {
        None
    }

    fn uri_sans(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn claim(&self, _: &[String], _: &WorkBudget) -> Rc<[Vec<u8>]> {
        Rc::default()
    }
}

/// What each byte of an interpretation costs to make, in units of the budget.
const INTERPRETATION: usize = 8;

/// A request, read as far as every decision needs it.
pub struct Request<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Who sent it.
    pub peer: &'a dyn Peer,
    /// `:method`; empty where there is none.
    pub method: &'a [u8],
    /// The host of `:authority`, or none where it cannot be read one way.
    pub host: Option<Host>,
    /// The port of `:authority`, if one is written.
    pub port: Option<u32>,
    /// `:path` as it came, with the query.
    pub target: &'a [u8],
    /// The path of `:path`, without the query.
    pub path: RequestPath,
    /// What follows the first `?` of `:path`.
    pub query: &'a [u8],
    /// What is left to spend on this request.
    pub budget: WorkBudget,
    names_other_method: OnceCell<bool>,
    cookies: OnceCell<Option<Vec<Pair<'a>>>>,
    parameters: [OnceCell<Option<Vec<Pair<'a>>>>; 2],
}

impl<'a> Request<'a> {
    /// Reads what `headers` say.
    pub fn new(headers: &'a HeaderMap, peer: &'a dyn Peer) -> Request<'a> {
        let mut authorities = headers.all(":authority");
        let authority = match (authorities.next(), authorities.next()) {
            (Some(authority), None) => Authority::parse(authority),
            _ => None,
        };
        let (host, port) = authority.map_or((None, None), |Authority { host, port }| (Some(host), port));
        let target = headers.first(":path").unwrap_or_default();
        let mark = target.iter().position(|byte| *byte == b'?');
        let (path, query) = match mark.and_then(|mark| target.split_at_checked(mark)) {
            Some((path, query)) => (path, query.get(1..).unwrap_or_default()),
            None => (target, &[][..]),
        };
        let budget = WorkBudget::of_request();
        let path = RequestPath::parse(path);
        if let RequestPath::Ambiguous { interpretations, .. } = &path {
            let _ = budget.pay(interpretations.iter().map(|one| one.path.len() * INTERPRETATION).sum());
        }
        let method = headers.first(":method").unwrap_or_default();
        Request {
            headers,
            peer,
            method,
            host,
            port,
            target,
            path,
            query,
            budget,
            names_other_method: OnceCell::new(),
            cookies: OnceCell::new(),
            parameters: [OnceCell::new(), OnceCell::new()],
        }
    }

    /// The cookies, read once; none where the budget does not suffice.
    pub fn cookies(&self) -> Option<&[Pair<'a>]> {
        self.cookies.get_or_init(|| values::cookies(self.headers, &self.budget)).as_deref()
    }

    /// The parameters of the query, read once for each separator; none where the budget does not suffice.
    pub fn parameters(&self, separator: Separator) -> Option<&[Pair<'a>]> {
        let [ampersand, either] = &self.parameters;
        let read = match separator {
            Separator::Ampersand => ampersand,
            Separator::Either => either,
        };
        read.get_or_init(|| values::parameters(self.query, separator, &self.budget)).as_deref()
    }

    /// Whether the request asks for a tunnel (RFC 9110 section 9.3.6). It names a host and no path.
    pub fn is_connect(&self) -> bool {
        self.method.eq_ignore_ascii_case(b"CONNECT")
    }

    /// Whether a server may apply another method than [`Request::method`], or another protocol (RFC 9110 section 7.8, RFC
    /// 8441 section 4).
    pub fn may_change_method(&self) -> bool {
        self.names_other_method() || self.headers.names().any(|name| matches!(name, b"upgrade" | b":protocol"))
    }

    /// Whether a header names another method; looked at once.
    pub fn names_other_method(&self) -> bool {
        *self.names_other_method.get_or_init(|| self.overriding_methods().next().is_some())
    }

    /// The methods that headers name in place of [`Request::method`]. Some servers read `_` in a header's name as `-`.
    pub fn overriding_methods(&self) -> impl Iterator<Item = &[u8]> {
        const NAMES: [&[u8]; 3] = [b"x-http-method-override", b"x-http-method", b"x-method-override"];
        let same = |(one, other): (&u8, &u8)| one == other || (*one == b'_' && *other == b'-');
        let is = move |name: &[u8], known: &[u8]| name.len() == known.len() && name.iter().zip(known).all(same);
        let overrides = move |name: &[u8]| NAMES.iter().any(|known| is(name, known));
        self.headers.pairs().filter(move |(name, _)| overrides(name)).map(|(_, value)| value)
    }
}

/// Whether a byte may stand in a token, such as a method or the name of a header (RFC 9110 section 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
