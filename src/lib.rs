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
//! Modules import in one direction: each one only those above it in this list.
//!
//! | module | contents |
//! |---|---|
//! | [`byte_index`], [`time`], [`tree`] | a hash map; times and durations; JSON and protobuf values with key paths |
//! | [`request`] | facts about a request: headers, host, path, client |
//! | [`state`] | documents and the effective state of a site |
//! | [`config`] | the plugin configuration as written |
//! | [`matching`] | matchers of texts, addresses, hosts and paths |
//! | [`policy`] | the configuration as compiled: sites, rules, keys |
//! | [`verdict`] | the decision on a request |
//! | [`reply`] | the response to a refused request |
//! | [`compiled`] | a policy with its replies |
//! | [`fair`] | a budget of work, shared by client address |
//! | [`members`] | the workers of an Envoy, and which of them have adopted a document |
//! | [`json`], [`protocol`] | a JSON writer; the control endpoint as types, shared with `maintctl` |
//! | `filter` | the proxy-wasm entry point, built for WebAssembly only; no module imports it |
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | site | the unit that opens and closes: hosts, or path prefixes of hosts |
//! | mode | the setting of a site: `online`, `read_only` or `offline` |
//! | policy | the plugin configuration: sites, rules, replies, keys. It changes rarely |
//! | document | the state of one site, with the author, the reason and the times. It changes at every maintenance |
//! | declared | given by the policy's `state`. A declared document takes precedence over pushed ones |
//! | revision | the version of a document: its creation time in milliseconds, greater than that of its predecessor |
//! | effective state | the modes that are active at a given time, from the document and its windows |
//! | rule | a named set of conditions on a request: `exempt`, `always_closed` or a health check |
//! | verdict | the decision on one request, with the rule, mode or other reason that decided it |
//! | local reply | Envoy's term for a response that a filter generates itself |
//! | canonical | in the one form in which values are compared, such as a path without needless percent-encoding |
//! | ambiguous | open to several interpretations by servers, such as a path with an encoded slash |
//! | budget | the work that one request may cause; see [`request::WorkBudget`] |
//! | fleet | the Envoys that follow one set of documents |
//! | adopted | a worker has adopted a document when it decides requests by it |

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
