//! Maintenance mode at the edge of an Envoy or Istio mesh: a proxy-wasm filter refuses requests to a closed site, and
//! lets through the requests that the operator exempted. This library contains the filter and all logic that it uses;
//! `maintctl`, the command-line tool, calls the same functions.
//!
//! # Flow
//!
//! ```text
//! policy ── config ──▶ PluginConfig ── compiled ──▶ Policy, Reply ┐  when Envoy configures the plugin
//! document ── state ──▶ Document ── at(now) ──▶ EffectiveState ───┤  on the tick, when something has changed
//! request headers, client address ── request ──▶ Request ─────────┴─ verdict ──▶ Verdict ── reply ──▶ LocalReply
//!                                                                                  │                    │
//!                                                         filter: pass → Continue ─┘       refuse → send ┘
//! ```
//!
//! Modules import in one direction: each one only those above it in this list. `docs/architecture.md` has the glossary.
//!
//! | module | contents |
//! |---|---|
//! | [`byte_index`], [`time`], [`tree`], [`json`] | a hash map; times and durations; values with key paths; JSON text |
//! | [`fair`] | a budget of work, shared by client address |
//! | [`members`] | membership and adoption of documents |
//! | [`protocol`] | the control endpoint's paths, headers, error codes and status document |
//! | [`request`] | facts about a request: headers, host, path, client |
//! | [`state`] | documents and the effective state of a site |
//! | [`config`] | the plugin configuration as written |
//! | [`matching`] | matchers of texts, addresses, hosts and paths |
//! | [`policy`] | the configuration as compiled: sites, rules, keys |
//! | [`verdict`] | the decision on a request |
//! | [`reply`] | the response to a refused request |
//! | [`compiled`] | a policy with its replies |
//! | `filter` | the proxy-wasm callbacks, built for WebAssembly only; no module imports it |

pub mod byte_index;
pub mod compiled;
pub mod config;
pub mod fair;
pub mod json;
pub mod matching;
pub mod members;
pub mod policy;
pub mod protocol;
pub mod reply;
pub mod request;
pub mod state;
pub mod time;
pub mod tree;
pub mod verdict;

#[cfg(target_arch = "wasm32")]
mod filter;
