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
mod tests;
