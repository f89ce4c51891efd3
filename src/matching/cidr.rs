//! CIDR ranges: sets of IP addresses, written as addresses and ranges such as `10.0.0.0/8`.
//!
//! IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) and ranges count as IPv4. A range of IPv6 contains no IPv4 address,
//! even if it spans the mapped ones: `::/0` matches IPv6 clients only.

use std::collections::BinaryHeap;
use std::net::IpAddr;

use crate::request::address::fold;

/// A set of IP addresses. A lookup is a binary search.
#[derive(Clone, Debug, Default)]
pub struct IpSet {
    /// The first and last address of each range, as numbers of IPv6 (IPv4 as IPv4-mapped), sorted and disjoint.
    ranges: Vec<(u128, u128)>,
}

impl IpSet {
    /// The union of `ranges`, each as returned by [`parse`].
    pub fn new(mut ranges: Vec<(u128, u128)>) -> IpSet {
        // Cuts the IPv4 addresses out of ranges that span them. All of these begin at or before the mapped addresses, so
        // the widest includes the upper parts of the others.
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
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        // A heap sorts with 4 KiB less code than `sort_unstable`.
        for (first, last) in BinaryHeap::from(ranges).into_sorted_vec() {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        IpSet { ranges: merged }
    }

    /// True if the set contains `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        let number = number(address);
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| number <= *last)
    }
}

/// Parses an address or a CIDR range (RFC 4632 section 3.1, RFC 4291 section 2.3) into its first and last address. A range
/// whose address has bits set after the prefix is an error, because its meaning is unclear.
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
        return Err(format!("\"{text}\" has bits set after its prefix of {bits} bits"));
    }
    Ok((first, first | mask))
}

/// The first and last IPv4-mapped address.
const MAPPED: u128 = 0xffff << 32;
const MAPPED_LAST: u128 = MAPPED + (1 << 32) - 1;

fn number(address: IpAddr) -> u128 {
    match fold(address) {
        IpAddr::V4(address) => MAPPED | u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests;
