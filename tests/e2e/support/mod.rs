//! The harness: a real Envoy with the module in it, an application behind it, and clients before it.
//!
//! Nothing here mocks the host. Every port is free by being bound at 0, everything listens on loopback, and nothing
//! sleeps in order to wait: see [`eventually`].

pub mod app;
pub mod bootstrap;
pub mod builder;
pub mod client;
pub mod desk;
pub mod envoy;
pub mod filters;
pub mod generations;
pub mod nginx;
pub mod preload;
pub mod raw;
pub mod shop;
pub mod signer;
pub mod target;
pub mod tls;
pub mod variants;
pub mod wasm;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The module under test.
pub fn module() -> PathBuf {
    std::env::var_os("MODULE").map_or_else(|| project().join("dist/envoy_maintenance.wasm"), PathBuf::from)
}

/// The built maintctl.
pub fn maintctl() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_maintctl"))
}

/// Asks until the answer is `Some`, and returns it; after [`DEADLINE`] the test fails, naming what it waited for.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
