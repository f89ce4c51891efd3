//! Client addresses in one form.

use std::net::{IpAddr, SocketAddr};

/// Reads Envoy's `source.address`: `address:port`, IPv6 in brackets. IPv4-mapped IPv6 is folded to IPv4. None for
/// anything that is no IP address, such as a Unix socket.
pub fn parse_source(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<SocketAddr>().ok().map(|address| fold(address.ip()))
}

/// The address as IPv4 where it is one written as IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2).
pub fn fold(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests;
