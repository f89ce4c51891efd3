//! A budget of work for unauthenticated requests, shared by client address.
//!
//! Each second, every address has a small share of its own. Beyond its share, it takes from a common pool, up to a limit,
//! so that no address alone can exhaust the pool. An exhausted pool leaves the shares of other addresses untouched.

use std::net::IpAddr;

use crate::time::Time;

/// The units that each address has of its own, per second.
const SHARE: u32 = 2;
/// The most units of one address, its share included.
const MOST: u32 = 50;
/// The units in the pool.
const POOL: u32 = 96;
/// The number of addresses that have a share. Further ones depend on the pool.
const ADDRESSES: usize = 80;

/// The units used in the second that began at `since`, in milliseconds. All addresses together have at most 256 units per
/// second: as signature checks, 46 ms, or 5 % of a worker.
#[derive(Debug, Default)]
pub struct FairBudget {
    since: i64,
    pool: u32,
    used: Vec<(u128, u32)>,
}

impl FairBudget {
    /// True if `address` could [`take`](FairBudget::take) a unit at `now`.
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

    /// Takes a unit for `address`. False if none is left.
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

/// The number by which an address is counted: an IPv4 address, or the /64 prefix of an IPv6 address, because one client
/// has a whole /64.
fn source(address: Option<IpAddr>) -> u128 {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => u128::from(address.to_ipv6_mapped()),
        Some(IpAddr::V6(address)) => u128::from(address) >> 64 << 64,
        // Clients of a Unix socket share one budget.
        None => 0,
    }
}

#[cfg(test)]
mod tests;
