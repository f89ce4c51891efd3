//! Maintenance mode at the edge of an Envoy or Istio mesh.
//!
//! ```text
//! policy bytes ── config ──▶ PluginConfig ── policy ──▶ Policy ┐      once, when Envoy configures the plugin
//! state bytes ──── state ──▶ Document ── at(now) ─▶ EffectiveState ─┤      on the tick, only when something changed
//! request headers, downstream address ── request ──────────────┴─ verdict ──▶ Verdict ── reply ──▶ LocalReply
//!                                                                                │                    │
//!                                                       filter: pass → Continue ┘      refuse → send ┘
//! ```
//!
//! One way, no way back. `filter`, built for wasm only, is the only part that knows of a host; `maintctl explain` walks
//! the same road with files and flags in Envoy's place.

pub mod compiled;
pub mod config;
pub mod fair;
pub mod matching;
pub mod members;
pub mod policy;
pub mod reply;
pub mod request;
pub mod state;
pub mod time;
pub mod tree;
pub mod verdict;

#[cfg(target_arch = "wasm32")]
mod filter;
