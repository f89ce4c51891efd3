//! Sets of IP addresses, written as addresses and CIDR ranges.

use std::net::IpAddr;

use crate::request::address::fold;

/// A set of addresses. Looking one up costs the logarithm of the number of ranges.
#[derive(Clone, Debug, Default)]
pub struct IpSet {
    /// First and last address of each range, sorted, none touching another. IPv4 stands where IPv4-mapped IPv6 does.
    ranges: Vec<(u128, u128)>,
}

impl IpSet {
    /// The set of all `ranges` (see [`parse`]).
    pub fn new(mut ranges: Vec<(u128, u128)>) -> IpSet {
        // A range of IPv6 holds no IPv4 client. Of those that span IPv4 the widest holds all others.
        let mut widest = MAPPED_LAST;
        for (first, last) in &mut ranges {
            if *first < MAPPED && *last >= MAPPED_LAST {
                widest = widest.max(*last);
                *last = MAPPED - 1;
            }
        }
        if widest > MAPPED_LAST {
            ranges.push((MAPPED_LAST + 1, widest));
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        IpSet { ranges: merged }
    }

    /// Whether the set holds `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        let number = number(address);
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| number <= *last)
    }

    /// Whether the set holds every IPv4 address, or every IPv6 address.
    pub fn is_everyone(&self) -> bool {
        let covers = |first: u128, last: u128| self.ranges.iter().any(|(from, to)| *from <= first && last <= *to);
        covers(MAPPED, MAPPED_LAST) || covers(0, MAPPED - 1) && covers(MAPPED_LAST + 1, u128::MAX)
    }
}

/// Reads an address or a CIDR range (RFC 4632 section 3.1, RFC 4291 section 2.3) as its first and last address. Bits
/// behind the prefix are an error: nobody could say which range was meant.
pub fn parse(text: &str) -> Result<(u128, u128), String> {
    let malformed = || format!("\"{text}\" is not an IP address or CIDR range");
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) if !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
            (address, Some(bits.parse::<u32>().map_err(|_| malformed())?))
        }
        Some(_) => return Err(malformed()),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    let (width, first) = match (address, fold(address)) {
        (IpAddr::V4(_), _) => (32, number(address)),
        (IpAddr::V6(_), IpAddr::V4(_)) if bits.is_none_or(|bits| bits >= 96) => (128, number(address)),
        (IpAddr::V6(address), _) => (128, address.to_bits()),
    };
    let bits = bits.unwrap_or(width);
    let host_bits = width.checked_sub(bits).ok_or_else(malformed)?;
    let mask = 1u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
    if first & mask != 0 && host_bits != 0 {
        return Err(format!("\"{text}\" has bits behind its prefix of {bits}"));
    }
    Ok((first, first | mask))
}

/// The first and the last IPv4 address.
const MAPPED: u128 = 0xffff << 32;
const MAPPED_LAST: u128 = MAPPED + (1 << 32) - 1;

fn number(address: IpAddr) -> u128 {
    match fold(address) {
        IpAddr::V4(address) => MAPPED | u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> IpSet {
        IpSet::new(texts.iter().map(|text| parse(text).unwrap()).collect())
    }

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        let set = set(&["10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "::ffff:198.51.100.0/120", "203.0.113.8/32"]);
        for (address, inside) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("9.255.255.255", false),
            ("11.0.0.0", false),
            ("203.0.113.6", false),
            ("203.0.113.7", true),
            ("203.0.113.8", true),
            ("203.0.113.9", false),
            ("198.51.100.200", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::10.0.0.1", false),
        ] {
            assert_eq!(set.contains(address.parse().unwrap()), inside, "{address}");
        }
    }

    #[test]
    fn a_range_of_ipv6_holds_no_ipv4_client() {
        let clients = ["0.0.0.0", "203.0.113.7", "::ffff:203.0.113.7", "255.255.255.255"];
        for range in ["::/0", "::/1", "::/64", "::/80", "::8000:0:0/81", "::fffe:0:0/95", "2001:db8::/32"] {
            let set = set(&[range]);
            for address in clients {
                assert!(!set.contains(address.parse().unwrap()), "{range} {address}");
            }
        }
        for (ranges, address, inside) in [
            (&["::/0"][..], "2001:db8::1", true),
            (&["::/0"], "::1", true),
            (&["::/0"], "::fffe:ffff:ffff", true),
            (&["::/0"], "::1:0:0:0", true),
            (&["::/0", "::/80"], "2001:db8::1", true),
            (&["::/80", "::/0"], "2001:db8::1", true),
            (&["::/80"], "::fffe:ffff:ffff", true),
            (&["::/80"], "::1:0:0:0", false),
            (&["::/0", "203.0.113.0/24"], "203.0.113.7", true),
            (&["::/0", "203.0.113.0/24"], "203.0.112.7", false),
            (&["::/0", "0.0.0.0/0"], "203.0.113.7", true),
            (&["::/0", "0.0.0.0/0"], "2001:db8::1", true),
            (&["::ffff:0:0/96"], "203.0.113.7", true),
            (&["::ffff:0:0/96"], "::1", false),
        ] {
            assert_eq!(set(ranges).contains(address.parse().unwrap()), inside, "{ranges:?} {address}");
        }
    }

    #[test]
    fn a_range_of_everyone_is_known_as_one() {
        for (texts, everyone) in [
            (&["0.0.0.0/0"][..], true),
            (&["::/0"], true),
            (&["0.0.0.0/0", "::/0"], true),
            (&["0.0.0.0/1", "128.0.0.0/1"], true),
            (&["::/1", "8000::/1"], true),
            (&["::/1", "10.0.0.0/8"], false),
            (&["10.0.0.0/8"], false),
        ] {
            assert_eq!(set(texts).is_everyone(), everyone, "{texts:?}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (text, message) in [
            ("10.0.0/8", "\"10.0.0/8\" is not an IP address or CIDR range"),
            ("10.0.0.0/33", "\"10.0.0.0/33\" is not an IP address or CIDR range"),
            ("10.0.0.0/", "\"10.0.0.0/\" is not an IP address or CIDR range"),
            ("10.0.0.0/+8", "\"10.0.0.0/+8\" is not an IP address or CIDR range"),
            ("10.0.0.1/8", "\"10.0.0.1/8\" has bits behind its prefix of 8"),
            ("2001:db8::1/32", "\"2001:db8::1/32\" has bits behind its prefix of 32"),
            ("010.0.0.1", "\"010.0.0.1\" is not an IP address or CIDR range"),
            ("fe80::1%eth0", "\"fe80::1%eth0\" is not an IP address or CIDR range"),
            ("office", "\"office\" is not an IP address or CIDR range"),
            ("", "\"\" is not an IP address or CIDR range"),
        ] {
            assert_eq!(parse(text), Err(message.to_owned()));
        }
    }
}
