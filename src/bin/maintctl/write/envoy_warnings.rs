//! Warnings about the Envoys of a change.

use crate::diagnosis::envoy::{self, CLOCK_TOLERANCE};
use crate::envoys::roll::Roll;

/// Prints warnings about clocks that differ from this machine's, and about plugins that share a name.
pub fn print(roll: &Roll) {
    for process in &roll.envoys {
        let clock = envoy::clock(&process.status, process.asked, process.answered, CLOCK_TOLERANCE);
        for remark in clock.into_iter().chain(envoy::conflicts(&process.status)) {
            aside!("warning: {}", remark.about(&process.name()).line());
        }
    }
}
