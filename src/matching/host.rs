//! Host patterns: an exact host, `*.suffix` or `*`.

use crate::request::Host;

/// A host as a site names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `shop.example.com`
    Exact(String),
    /// `*.shop.example.com`, kept as `.shop.example.com`: any host below, not the host itself.
    Suffix(String),
    /// `*`
    Any,
}

impl HostPattern {
    /// Reads a host of a site; port, case and trailing dot do not matter.
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

    /// Whether `host`, canonical, is meant.
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

/// A borrowed [`HostPattern`], the key of map lookups without an allocation.
#[derive(PartialEq, Eq, Hash)]
pub enum HostName<'a> {
    /// See [`HostPattern::Exact`].
    Exact(&'a str),
    /// See [`HostPattern::Suffix`].
    Suffix(&'a str),
    /// See [`HostPattern::Any`].
    Any,
}

impl HostPattern {
    fn name(&self) -> HostName<'_> {
        match self {
            HostPattern::Exact(name) => HostName::Exact(name),
            HostPattern::Suffix(suffix) => HostName::Suffix(suffix),
            HostPattern::Any => HostName::Any,
        }
    }
}

impl std::hash::Hash for HostPattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl hashbrown::Equivalent<HostPattern> for HostName<'_> {
    fn equivalent(&self, pattern: &HostPattern) -> bool {
        *self == pattern.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "*x.example.com", "a.*.example.com", "**", "*.", "shop.example.com/a", "https://a"] {
            let message = format!("\"{text}\" is not a host, \"*.suffix\" or \"*\"");
            assert_eq!(HostPattern::parse(text), Err(message));
        }
    }
}
