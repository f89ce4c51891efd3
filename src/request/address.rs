//! Client addresses.

use std::net::{IpAddr, SocketAddr};

/// Parses Envoy's attribute `source.address`: `address:port`, with IPv6 in brackets. IPv4-mapped IPv6 becomes IPv4. None if
/// it is not an IP address, for example for a Unix socket.
pub fn parse_source(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<SocketAddr>().ok().map(|address| fold(address.ip()))
}

/// Converts an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) to IPv4; returns others unchanged.
pub fn fold(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests;
