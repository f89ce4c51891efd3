//! Hosts in canonical form: lower case, without a port and without a trailing dot.

/// A canonical host name, IPv4 address or bracketed IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

/// The longest authority, in bytes: a DNS name (RFC 1035 section 2.3.4), a trailing dot and a port.
const MAX_AUTHORITY: usize = 253 + 1 + 6;

impl Host {
    /// Parses an `:authority` (RFC 9110 section 7.2, RFC 3986 section 3.2). None if it is ambiguous: empty, several hosts,
    /// with user information, or with characters that a host cannot contain.
    pub fn parse(authority: &[u8]) -> Option<Host> {
        Authority::parse(authority).map(|authority| authority.host)
    }

    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A host, and its port if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port; `u32::MAX` if the number is larger.
    pub port: Option<u32>,
}

impl Authority {
    /// Parses an `:authority`; see [`Host::parse`].
    pub fn parse(authority: &[u8]) -> Option<Authority> {
        let text = std::str::from_utf8(authority).ok().filter(|text| text.len() <= MAX_AUTHORITY)?;
        let (name, rest) = match text.strip_prefix('[') {
            Some(inner) => {
                let (address, rest) = inner.split_once(']')?;
                let address: std::net::Ipv6Addr = address.parse().ok()?;
                (format!("[{address}]"), rest)
            }
            None => {
                let end = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
                let (name, rest) = text.split_at_checked(end)?;
                let name = name.strip_suffix('.').unwrap_or(name);
                let is_name = |label: &[u8]| {
                    !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                };
                if !name.as_bytes().split(|byte| *byte == b'.').all(is_name) {
                    return None;
                }
                (name.to_ascii_lowercase(), rest)
            }
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().unwrap_or(u32::MAX)),
            _ => return None,
        };
        Some(Authority { host: Host(name), port })
    }
}

#[cfg(test)]
mod tests;
