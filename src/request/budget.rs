//! The budget of one request: how much work its sender can cause.
//!
//! One unit is one byte that is copied, hashed or compared once. A regex examines a byte many times, and asking Envoy for
//! a property costs as much as hundreds of bytes; both are charged accordingly. A caller pays before it works. If too
//! little is left, the budget is spent, and nothing that follows is examined: a rule that opens then does not match, and
//! a rule that closes does.

use std::cell::Cell;

/// The units of one request, at most about 0.7 ms of CPU time.
pub const UNITS: usize = 256 * 1024;
/// What a property of Envoy's costs, in units.
pub const HOSTCALL: usize = 256;

/// What is left for one request.
#[derive(Debug)]
pub struct WorkBudget(Cell<usize>);

impl WorkBudget {
    /// The budget of a request.
    pub fn of_request() -> WorkBudget {
        WorkBudget(Cell::new(UNITS))
    }

    /// A budget that is never spent, for what no stranger has sent.
    pub fn unlimited() -> WorkBudget {
        WorkBudget(Cell::new(usize::MAX))
    }

    /// Pays for `units` of work. False where they are not left; then nothing is left at all.
    #[must_use]
    pub fn pay(&self, units: usize) -> bool {
        let left = self.0.get().checked_sub(units);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    /// The units that are left.
    pub fn left(&self) -> usize {
        self.0.get()
    }
}

#[cfg(test)]
mod tests;
