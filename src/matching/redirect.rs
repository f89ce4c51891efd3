//! Where browsers are sent in place of a page, and which requests are for that place.

use crate::request::path::canonical;
use crate::request::{Authority, Host, Request};
use crate::tree::{KeyPath, PathError};

/// What a redirect points to. If it lies on the site itself, requests for it pass, or nobody would ever arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The URL as written: the value of `location` (RFC 9110 section 10.2.2).
    pub url: String,
    /// Its host; none: the host of the request itself.
    pub host: Option<Host>,
    /// Its port; none: that of its scheme, or of the request itself.
    pub port: Option<u32>,
    /// The port of its scheme; none: it has no scheme.
    default_port: Option<u32>,
    /// Its path, canonical, without the query.
    pub path: String,
}

impl RedirectTarget {
    /// Whether the request is for this authority, port included, and this path.
    pub fn is_of(&self, request: &Request<'_>) -> bool {
        let named = |port: Option<u32>| port.filter(|port| Some(*port) != self.default_port);
        let is_authority = |host: &Host| request.host.as_ref() == Some(host) && named(request.port) == named(self.port);
        request.path.canonical() == Some(self.path.as_str()) && self.host.as_ref().is_none_or(is_authority)
    }
}

impl RedirectTarget {
    /// Reads an absolute http or https URL, or an absolute path.
    pub fn compile(url: &str, path: &KeyPath<'_>) -> Result<RedirectTarget, PathError> {
        let refuse = |problem: &str| PathError::new(path, format_args!("{url:?} {problem}"));
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("holds characters that must be percent-encoded in a URL"));
        }
        let lower = url.to_ascii_lowercase();
        let scheme = [("https://", 443), ("http://", 80)].into_iter().find(|(scheme, _)| lower.starts_with(scheme));
        let (authority, default_port, rest) =
            match scheme.and_then(|(scheme, port)| Some((url.get(scheme.len()..)?, port))) {
                Some((rest, port)) => {
                    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
                    let authority = Authority::parse(authority.as_bytes());
                    (Some(authority.ok_or_else(|| refuse("has no readable host"))?), Some(port), rest)
                }
                None if url.starts_with('/') => (None, None, url),
                None => return Err(refuse("is neither an http or https URL nor an absolute path")),
            };
        let (host, port) = authority.map_or((None, None), |Authority { host, port }| (Some(host), port));
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let written = rest.get(..end).filter(|path| !path.is_empty()).unwrap_or("/");
        let path = canonical(written.as_bytes());
        let path = path.ok_or_else(|| refuse("has a path that could be read in more than one way"))?;
        Ok(RedirectTarget { url: url.to_owned(), host, port, default_port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_a_host_and_a_canonical_path() {
        for (url, host, path) in [
            ("https://status.example.com", Some("status.example.com"), "/"),
            ("https://status.example.com?a=b", Some("status.example.com"), "/"),
            ("HTTPS://Status.Example.com:8443/%7euser?a=//b#c", Some("status.example.com"), "/~user"),
            ("/sorry", None, "/sorry"),
            ("/sorry?from=/../x", None, "/sorry"),
        ] {
            let target = RedirectTarget::compile(url, &KeyPath::Root).unwrap();
            assert_eq!(target.host.as_ref().map(Host::as_str), host, "{url}");
            assert_eq!(target.path, path, "{url}");
        }
    }

    #[test]
    fn other_redirects_are_refused() {
        for (url, message) in [
            ("sorry", "\"sorry\" is neither an http or https URL nor an absolute path"),
            ("", "\"\" is neither an http or https URL nor an absolute path"),
            ("ftp://example.com/", "\"ftp://example.com/\" is neither an http or https URL nor an absolute path"),
            ("javascript:x", "\"javascript:x\" is neither an http or https URL nor an absolute path"),
            ("//example.com/", "\"//example.com/\" has a path that could be read in more than one way"),
            ("/a/../b", "\"/a/../b\" has a path that could be read in more than one way"),
            (
                "https://example.com\\x",
                "\"https://example.com\\\\x\" has a path that could be read in more than one way",
            ),
            ("https://", "\"https://\" has no readable host"),
            ("https://me@example.com/", "\"https://me@example.com/\" has no readable host"),
            ("/a b", "\"/a b\" holds characters that must be percent-encoded in a URL"),
            ("/a\r\nx: y", "\"/a\\r\\nx: y\" holds characters that must be percent-encoded in a URL"),
            ("/ä", "\"/ä\" holds characters that must be percent-encoded in a URL"),
        ] {
            assert_eq!(RedirectTarget::compile(url, &KeyPath::Root).unwrap_err().to_string(), message);
        }
    }
}
