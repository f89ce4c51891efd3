//! Redirect targets: matches requests for the URL to which a site redirects browsers.

use crate::request::path::canonical;
use crate::request::{Authority, Host, Request};
use crate::tree::{KeyPath, PathError, quoted};

/// The target of a redirect. If it is on the closed site itself, requests for it must pass, or browsers would never arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The URL as written: the value of `location` (RFC 9110 section 10.2.2).
    pub url: String,
    /// The host; none: any host.
    pub host: Option<Host>,
    /// The port, if the URL has one.
    pub port: Option<u32>,
    /// The default port of the scheme; none for an absolute path.
    default_port: Option<u32>,
    /// The canonical path, without the query.
    pub path: String,
}

impl RedirectTarget {
    /// True if `request` is for the authority, port included, and the path of the target.
    pub fn matches(&self, request: &Request<'_>) -> bool {
        let named = |port: Option<u32>| port.filter(|port| Some(*port) != self.default_port);
        let is_authority = |host: &Host| request.host.as_ref() == Some(host) && named(request.port) == named(self.port);
        request.path.canonical() == Some(self.path.as_str()) && self.host.as_ref().is_none_or(is_authority)
    }
}

impl RedirectTarget {
    /// Parses an absolute http or https URL, or an absolute path (RFC 3986 sections 4.2 and 4.3).
    pub fn compile(url: &str, path: &KeyPath<'_>) -> Result<RedirectTarget, PathError> {
        let refuse = |problem: &str| PathError::new(path, format_args!("{} {problem}", quoted(url)));
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("contains characters that must be percent-encoded in a URL"));
        }
        let lower = url.to_ascii_lowercase();
        let scheme = [("https://", 443), ("http://", 80)].into_iter().find(|(scheme, _)| lower.starts_with(scheme));
        let (authority, default_port, rest) =
            match scheme.and_then(|(scheme, port)| Some((url.get(scheme.len()..)?, port))) {
                Some((rest, port)) => {
                    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
                    let authority = Authority::parse(authority.as_bytes());
                    (Some(authority.ok_or_else(|| refuse("has no valid host"))?), Some(port), rest)
                }
                None if url.starts_with('/') => (None, None, url),
                None => return Err(refuse("is neither an http or https URL nor an absolute path")),
            };
        let (host, port) = authority.map_or((None, None), |Authority { host, port }| (Some(host), port));
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let written = rest.get(..end).filter(|path| !path.is_empty()).unwrap_or("/");
        let path = canonical(written.as_bytes());
        let path = path.ok_or_else(|| refuse("has an ambiguous path"))?;
        Ok(RedirectTarget { url: url.to_owned(), host, port, default_port, path })
    }
}

#[cfg(test)]
mod tests;
