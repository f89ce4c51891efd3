//! Host patterns: an exact host, `*.suffix` or `*`.

use crate::request::Host;

/// A host pattern of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `shop.example.com`
    Exact(String),
    /// `*.shop.example.com`, stored as `.shop.example.com`: every subdomain, but not the domain itself.
    Suffix(String),
    /// `*`
    Any,
}

impl HostPattern {
    /// Parses a host pattern. Its port, case and trailing dot are ignored.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        let host = |name: &str| {
            Host::parse(name.as_bytes())
                .map(|host| host.as_str().to_owned())
                .ok_or_else(|| format!("\"{text}\" is not a host, \"*.suffix\" or \"*\""))
        };
        match text.strip_prefix('*') {
            Some("") => Ok(HostPattern::Any),
            Some(suffix) => match suffix.strip_prefix('.') {
                Some(name) => Ok(HostPattern::Suffix(format!(".{}", host(name)?))),
                None => Err(format!("\"{text}\" is not a host, \"*.suffix\" or \"*\"")),
            },
            None => host(text).map(HostPattern::Exact),
        }
    }

    /// True if the pattern matches `host`, which is canonical (see [`Host`]).
    pub fn matches(&self, host: &str) -> bool {
        match self {
            HostPattern::Exact(name) => name == host,
            HostPattern::Suffix(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
            HostPattern::Any => true,
        }
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HostPattern::Exact(name) => formatter.write_str(name),
            HostPattern::Suffix(suffix) => write!(formatter, "*{suffix}"),
            HostPattern::Any => formatter.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests;
