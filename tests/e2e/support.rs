//! The harness: a real Envoy with the module, an application behind it, and clients.
//!
//! No part is a mock. Every server binds port 0 on loopback. Tests wait for a condition with [`eventually`] and never
//! sleep to synchronise.

pub mod app;
pub mod bootstrap;
pub mod builder;
pub mod client;
pub mod desk;
pub mod envoy;
pub mod faults;
pub mod filters;
pub mod generations;
pub mod nginx;
pub mod preload;
pub mod raw;
pub mod shop;
pub mod signer;
pub mod target;
pub mod tls;
pub mod wasm;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The time limit of every wait. It is long, because tests share a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The folder of the repository.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The module under test.
pub fn module() -> PathBuf {
    std::env::var_os("MODULE").map_or_else(|| project().join("dist/envoy_maintenance.wasm"), PathBuf::from)
}

/// The compiled maintctl.
pub fn maintctl() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_maintctl"))
}

/// Sends a signal to the process with this id.
pub fn signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal).unwrap();
}

/// Calls `ask` until it returns `Some`, and returns the value. After [`DEADLINE`], the test fails with the name of the
/// condition.
pub async fn eventually<T>(condition: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for: {condition}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
