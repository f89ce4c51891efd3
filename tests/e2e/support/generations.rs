//! The processes of an Envoy with hot restarts: the newest accepts connections, and its parents serve those that they
//! have.

use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lifetime of a parent after its successor is ready, in seconds.
const PARENT_SHUTDOWN: &str = "5";
/// Longer than [`PARENT_SHUTDOWN`], so that a parent closes no connection before it exits.
const DRAIN: &str = "600";

/// The number of Envoys with hot restarts that this test process has started.
static MADE: AtomicU32 = AtomicU32::new(0);

/// The processes of one Envoy, and the id of the shared memory between them.
pub struct Generations {
    base_id: u32,
    epoch: u32,
    parents: Vec<Child>,
}

impl Generations {
    pub(super) fn new() -> Generations {
        // Envoy multiplies the base id by ten and uses it in the name of its shared memory.
        let base_id = std::process::id() % 1_000_000 * 100 + MADE.fetch_add(1, Ordering::Relaxed) % 100;
        Generations { base_id, epoch: 0, parents: Vec::new() }
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let (base_id, epoch) = (self.base_id.to_string(), self.epoch.to_string());
        let arguments = ["--base-id", &base_id, "--restart-epoch", &epoch, "--drain-time-s", DRAIN];
        arguments.into_iter().chain(["--parent-shutdown-time-s", PARENT_SHUTDOWN]).map(str::to_owned).collect()
    }

    pub(super) fn succeed(&mut self, parent: Child) {
        self.epoch += 1;
        self.parents.push(parent);
    }

    /// True if a parent is still running.
    pub fn has_parent(&mut self) -> bool {
        self.parents.iter_mut().any(|parent| parent.try_wait().unwrap().is_none())
    }
}

impl Drop for Generations {
    fn drop(&mut self) {
        for parent in &mut self.parents {
            let _ = parent.kill();
            let _ = parent.wait();
        }
        let _ = std::fs::remove_file(format!("/dev/shm/envoy_shared_memory_{}0", self.base_id));
    }
}
