//! Limits the log lines that clients can cause: one line per second and worker.

use std::cell::Cell;

use super::host::{self, HostError};
use crate::time::Time;

/// The length of one period, in milliseconds.
const PERIOD: i64 = 1000;

thread_local! {
    /// The time of the last line.
    static LAST: Cell<Option<Time>> = const { Cell::new(None) };
}

/// True if a line may be logged now. If so, the next one may follow a second later.
pub fn may_log() -> bool {
    // Without a clock, one line is logged and no other.
    let now = host::now().unwrap_or(Time(0));
    let is_over = LAST.get().is_none_or(|last| !(0..PERIOD).contains(&now.0.saturating_sub(last.0)));
    if is_over {
        LAST.set(Some(now));
    }
    is_over
}

/// Logs a failed hostcall.
pub fn failure(error: &HostError) {
    if may_log() {
        log::error!("{error}");
    }
}
