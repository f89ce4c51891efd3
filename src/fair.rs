//! A budget of work that strangers may cause, shared fairly by the address that they come from.
//!
//! Each second, every address has a small share of its own. Beyond its share it takes from one pool, up to a limit, so
//! that one address alone cannot empty the pool. Addresses that use up the pool leave the shares of others untouched.

use std::net::IpAddr;

use crate::time::Time;

/// Pieces of work that belong to each address.
const SHARE: u32 = 2;
/// The most that one address can have, its share included.
const MOST: u32 = 50;
/// Pieces of work for whoever comes first.
const POOL: u32 = 96;
/// How many addresses can have a share. Later ones depend on the pool.
const ADDRESSES: usize = 80;

/// What has been used in the second that began at `since`. The most that all addresses together can have is 256: 46 ms of
/// signature checks, or 5 % of a worker.
#[derive(Debug, Default)]
pub struct FairBudget {
    since: i64,
    pool: u32,
    used: Vec<(u128, u32)>,
}

impl FairBudget {
    /// Whether `address` could [`take`](FairBudget::take) one piece now.
    pub fn is_left(&mut self, address: Option<IpAddr>, now: Time) -> bool {
        if !(0..1000).contains(&now.0.saturating_sub(self.since)) {
            *self = FairBudget { since: now.0, ..FairBudget::default() };
        }
        let used = self.used.iter().find(|(known, _)| *known == source(address)).map(|(_, used)| *used);
        match used {
            Some(used) => used < SHARE || (used < MOST && self.pool < POOL),
            None => self.used.len() < ADDRESSES || self.pool < POOL,
        }
    }

    /// Uses one piece, if one is left for `address`.
    pub fn take(&mut self, address: Option<IpAddr>, now: Time) -> bool {
        if !self.is_left(address, now) {
            return false;
        }
        let source = source(address);
        if self.used.len() < ADDRESSES && !self.used.iter().any(|(known, _)| *known == source) {
            self.used.push((source, 0));
        }
        let is_own_share = self.used.iter_mut().find(|(known, _)| *known == source).is_some_and(|(_, used)| {
            *used += 1;
            *used <= SHARE
        });
        self.pool += u32::from(!is_own_share);
        true
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which is what one client is given.
fn source(address: Option<IpAddr>) -> u128 {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => u128::from(address.to_ipv6_mapped()),
        Some(IpAddr::V6(address)) => u128::from(address) >> 64 << 64,
        // A Unix socket.
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn numbered(number: usize) -> Option<IpAddr> {
        address(&format!("10.0.{}.{}", number / 256, number % 256))
    }

    /// How often `address` is served, of so many times that it asks.
    fn served(budget: &mut FairBudget, address: Option<IpAddr>, asked: usize, now: i64) -> usize {
        (0..asked).filter(|_| budget.take(address, Time(now))).count()
    }

    #[test]
    fn one_address_gets_its_limit_and_leaves_the_pool_to_others() {
        let mut budget = FairBudget::default();
        assert_eq!(served(&mut budget, numbered(1), 4000, 0), 50);
        assert_eq!(served(&mut budget, numbered(2), 4000, 500), 50);
        assert_eq!(served(&mut budget, numbered(3), 4000, 999), 2);
        assert_eq!(served(&mut budget, numbered(1), 1, 999), 0);
        assert_eq!(served(&mut budget, numbered(1), 4000, 1000), 50);
    }

    #[test]
    fn dozens_of_addresses_leave_each_other_its_share() {
        let mut budget = FairBudget::default();
        let flood: usize = (0..60).map(|number| served(&mut budget, numbered(number), 4000, 0)).sum();
        assert_eq!(flood, 96 + 60 * 2);
        assert_eq!(served(&mut budget, address("192.0.2.1"), 10, 900), 2);
    }

    #[test]
    fn all_addresses_together_are_bounded() {
        let mut budget = FairBudget::default();
        let flood: usize = (0..5000).map(|number| served(&mut budget, numbered(number), 60, 0)).sum();
        assert_eq!(flood, 96 + 80 * 2);
        assert!(!budget.is_left(address("192.0.2.1"), Time(999)));
        assert!(budget.is_left(address("192.0.2.1"), Time(1000)));
    }

    #[test]
    fn a_clock_that_goes_back_begins_a_new_second() {
        let mut budget = FairBudget::default();
        assert_eq!(served(&mut budget, numbered(1), 60, 5000), 50);
        assert_eq!(served(&mut budget, numbered(1), 60, 1000), 50);
    }

    #[test]
    fn one_client_is_one_address_however_it_is_written() {
        for (one, other, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ] {
            assert_eq!(source(address(one)) == source(address(other)), same, "{one} {other}");
        }
    }
}
