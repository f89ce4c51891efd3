//! CORS (Fetch standard, section 3.2): allows scripts of other origins to read a refusal. Without it, they see a network
//! error.

use std::rc::Rc;

use super::ReplyHeaders;
use super::kind::ReplyKind;
use crate::config::TextConfig;
use crate::matching::HostPattern;
use crate::matching::text::{TextMatcher, Unexamined};
use crate::request::{Host, Request, is_token_byte};
use crate::tree::{KeyPath, PathError};

/// The longest origin, method and list of header names that a reply repeats, in bytes.
const MAX_ORIGIN: usize = 512;
const MAX_METHOD: usize = 32;
const MAX_HEADERS: usize = 2048;

/// The compiled `cors.origins` of a policy, shared by its sites.
#[derive(Clone, Debug)]
pub struct Origins(Rc<TextMatcher>);

impl Origins {
    /// Compiles `cors.origins`.
    pub fn compile(texts: &[TextConfig], path: &KeyPath<'_>) -> Result<Origins, PathError> {
        for (index, text) in texts.iter().enumerate() {
            let problem = match text {
                TextConfig::Absent => "a request without an origin needs no CORS headers".to_owned(),
                TextConfig::Plain(text) if !text.contains('*') && !is_origin(text) => {
                    format!("\"{text}\" is not an origin as browsers send it, such as https://shop.example.com")
                }
                TextConfig::Plain(_) | TextConfig::Regex(_) | TextConfig::Sha256(_) => continue,
            };
            return Err(PathError::new(&path.index(index), problem));
        }
        // Browsers send origins in lower case.
        TextMatcher::compile(texts, path, |literal, _| Ok(literal.to_ascii_lowercase()))
            .map(|listed| Origins(Rc::new(listed)))
    }
}

/// The origin of a request, if its scripts may read the refusal: an origin that the policy lists or, if it lists none, an
/// https origin whose host is one of the site's. If the site has any host, that is the host of the request.
pub fn allowed<'r>(origins: Option<&Origins>, hosts: &[HostPattern], request: &Request<'r>) -> Option<&'r str> {
    let mut sent = request.headers.all("origin");
    let (Some(origin), None) = (sent.next(), sent.next()) else { return None };
    let text = std::str::from_utf8(origin)
        .ok()
        .filter(|text| text.len() <= MAX_ORIGIN && text.bytes().all(|byte| byte.is_ascii_graphic()))?;
    let lower = text.to_ascii_lowercase();
    let is_allowed = match origins {
        Some(Origins(listed)) => listed.is_match(lower.as_bytes(), Unexamined::Differs, &request.budget),
        None => lower.strip_prefix("https://").and_then(|rest| Host::parse(rest.as_bytes())).is_some_and(|host| {
            hosts.iter().any(|pattern| match pattern {
                HostPattern::Any => request.host.as_ref() == Some(&host),
                HostPattern::Exact(_) | HostPattern::Suffix(_) => pattern.matches(host.as_str()),
            })
        }),
    };
    is_allowed.then_some(text)
}

/// True if the request is a CORS preflight (Fetch standard, section 3.2.2).
pub fn is_preflight(request: &Request<'_>) -> bool {
    request.method == b"OPTIONS"
        && request.headers.first("origin").is_some()
        && request.headers.first("access-control-request-method").is_some()
}

/// Adds the CORS headers for `origin`. Requests with credentials are included: the reply does not depend on the user.
pub fn add_headers(origin: &str, kind: ReplyKind, request: &Request<'_>, headers: &mut ReplyHeaders) {
    let mut add = |name: &str, value: &str| headers.push(name, value);
    add("access-control-allow-origin", origin);
    add("access-control-allow-credentials", "true");
    if kind != ReplyKind::Preflight {
        let names = if kind.is_grpc() {
            "retry-after, x-maintenance-mode, grpc-status, grpc-message"
        } else {
            "retry-after, x-maintenance-mode"
        };
        add("access-control-expose-headers", names);
        return;
    }
    add("access-control-max-age", "0");
    let requested = |name: &str, max_length: usize, separators: &[u8]| {
        let value = request.headers.first(name)?;
        let is_plain = |byte: &u8| is_token_byte(*byte) || separators.contains(byte);
        let is_plain = value.len() <= max_length && value.iter().all(is_plain);
        std::str::from_utf8(value).ok().filter(|_| is_plain)
    };
    if let Some(method) = requested("access-control-request-method", MAX_METHOD, b"") {
        add("access-control-allow-methods", method);
    }
    if let Some(names) = requested("access-control-request-headers", MAX_HEADERS, b", \t") {
        add("access-control-allow-headers", names);
    }
}

/// True if `text` is a serialized origin (HTML standard, section 7.1.1), ignoring case.
fn is_origin(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some((scheme, authority)) = lower.split_once("://") else { return lower == "null" };
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return !scheme.is_empty() && !authority.is_empty() && !authority.contains(['/', '?', '#', ' ']),
    };
    Host::parse(authority.as_bytes()).is_some_and(|host| {
        let port = authority.strip_prefix(host.as_str());
        !authority.ends_with(default_port) && port.is_some_and(|port| port.is_empty() || port.len() > 1)
    })
}
