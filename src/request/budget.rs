//! The budget of a request: an upper bound on the work that it can cause.
//!
//! One unit is the work of copying, hashing or comparing one byte. Regexes examine a byte many times, and reading a property
//! of Envoy costs as much as hundreds of bytes; both are charged accordingly. Code pays before it works. A payment that is
//! too large exhausts the budget, and nothing further is examined: rules that open do not match then, and rules that close
//! do.

use std::cell::Cell;

/// The units of one request: at most about 0.7 ms of CPU time.
pub const UNITS: usize = 256 * 1024;
/// The cost of reading a property of Envoy, in units.
pub const HOSTCALL: usize = 256;

/// The cost of evaluating an expression in Envoy, in units.
pub const EXPRESSION: usize = 32 * 1024;

/// The remaining budget of a request.
#[derive(Debug)]
pub struct WorkBudget(Cell<usize>);

impl WorkBudget {
    /// A new budget of [`UNITS`].
    pub fn of_request() -> WorkBudget {
        WorkBudget(Cell::new(UNITS))
    }

    /// A budget without a limit, for input that is not a request.
    pub fn unlimited() -> WorkBudget {
        WorkBudget(Cell::new(usize::MAX))
    }

    /// Pays for `units` of work. False if fewer remain; the budget is exhausted then.
    #[must_use]
    pub fn pay(&self, units: usize) -> bool {
        let left = self.0.get().checked_sub(units);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    /// The remaining units.
    pub fn left(&self) -> usize {
        self.0.get()
    }
}

#[cfg(test)]
mod tests;
