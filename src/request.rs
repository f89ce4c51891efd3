//! Facts about a request: its headers, its host and path in canonical form, and the attributes of the client that only
//! Envoy knows. Expensive facts are read when a rule needs them, and at most once.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;

pub mod address;
mod budget;
mod claim;
mod headers;
pub mod host;
pub mod path;
mod values;

pub use budget::{EXPRESSION, HOSTCALL, UNITS, WorkBudget};
pub use claim::Scalar;
pub use headers::HeaderMap;
pub use host::{Authority, Host};
pub use path::RequestPath;
pub use values::{Pair, Separator, unquoted};

/// The client of a request, as far as only Envoy knows it. Each method may cost hostcalls.
pub trait Peer {
    /// Envoy's downstream remote address, with IPv4-mapped IPv6 as IPv4.
    fn remote_address(&self) -> Option<IpAddr>;
    /// The URI SANs of the client certificate.
    fn uri_sans(&self) -> Vec<Vec<u8>>;
    /// The values of the claim at `path` in the token that jwt_authn has verified: the elements of a list, one value for a
    /// scalar, none if the claim is absent. Exhausts the budget if it is too small to read all of them.
    fn claim(&self, path: &[String], budget: &WorkBudget) -> Rc<[Vec<u8>]>;
    /// True if the claim at `path`, or an element of it, equals `value` and has its type. Called for values that have the
    /// bytes of `value`, which a text can have too. By default, the bytes suffice.
    fn claim_equals(&self, path: &[String], value: Scalar, budget: &WorkBudget) -> bool {
        let _ = (path, value, budget);
        true
    }
}

/// A client without attributes.
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

/// The cost of each byte of an interpretation, in units of the budget.
const INTERPRETATION: usize = 8;

/// A request, with the facts that every decision needs.
pub struct Request<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The client.
    pub peer: &'a dyn Peer,
    /// `:method`; empty if it is missing.
    pub method: &'a [u8],
    /// The canonical host of `:authority`; none if it is ambiguous or missing.
    pub host: Option<Host>,
    /// The port of `:authority`, if it has one.
    pub port: Option<u32>,
    /// `:path`, with the query.
    pub target: &'a [u8],
    /// The path of `:path`, without the query.
    pub path: RequestPath,
    /// The query: the part of `:path` after the first `?`.
    pub query: &'a [u8],
    /// The remaining budget.
    pub budget: WorkBudget,
    names_other_method: OnceCell<bool>,
    cookies: OnceCell<Option<Vec<Pair<'a>>>>,
    parameters: [OnceCell<Option<Vec<Pair<'a>>>>; 2],
}

impl<'a> Request<'a> {
    /// Reads the headers of a request.
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

    /// The cookies; none if the budget is too small.
    pub fn cookies(&self) -> Option<&[Pair<'a>]> {
        self.cookies.get_or_init(|| values::cookies(self.headers, &self.budget)).as_deref()
    }

    /// The parameters of the query, split at `separator`; none if the budget is too small.
    pub fn parameters(&self, separator: Separator) -> Option<&[Pair<'a>]> {
        let [ampersand, either] = &self.parameters;
        let read = match separator {
            Separator::Ampersand => ampersand,
            Separator::Either => either,
        };
        read.get_or_init(|| values::parameters(self.query, separator, &self.budget)).as_deref()
    }

    /// True if the request opens a tunnel (RFC 9110 section 9.3.6). It has a host and no path.
    pub fn is_connect(&self) -> bool {
        self.method.eq_ignore_ascii_case(b"CONNECT")
    }

    /// True if servers may apply another method than [`Request::method`], because of an override header or of a protocol
    /// upgrade (RFC 9110 section 7.8, RFC 8441 section 4).
    pub fn may_change_method(&self) -> bool {
        self.names_other_method() || self.headers.names().any(|name| matches!(name, b"upgrade" | b":protocol"))
    }

    /// True if the request has a method-override header.
    pub fn names_other_method(&self) -> bool {
        *self.names_other_method.get_or_init(|| self.overriding_methods().next().is_some())
    }

    /// The methods in method-override headers. Some servers treat `_` in a header name as `-`.
    pub fn overriding_methods(&self) -> impl Iterator<Item = &[u8]> {
        const NAMES: [&[u8]; 3] = [b"x-http-method-override", b"x-http-method", b"x-method-override"];
        let same = |(one, other): (&u8, &u8)| one == other || (*one == b'_' && *other == b'-');
        let is = move |name: &[u8], known: &[u8]| name.len() == known.len() && name.iter().zip(known).all(same);
        let overrides = move |name: &[u8]| NAMES.iter().any(|known| is(name, known));
        self.headers.pairs().filter(move |(name, _)| overrides(name)).map(|(_, value)| value)
    }
}

/// True if a token, such as a method or a header name, can contain the byte (RFC 9110 section 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
