//! Whole-program tests: the shipped module in a real Envoy, maintctl, and the files in `envoy/` and `docs/`.
//!
//! `make e2e` runs them all, `make e2e TESTS=name` those whose name contains `name`. make sets the two variables that
//! they need: `ENVOY`, and `MODULE`, the module under test (by default `dist/envoy_maintenance.wasm`).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(dead_code, reason = "not every function of the harness has a user at all times")]

mod support;

mod bad_policy;
mod budget;
mod claims;
mod cli;
mod clients;
mod control;
mod demo;
mod docs;
mod evasions;
mod explain;
mod flood;
mod harness;
mod host_errors;
mod hostile;
mod identity;
mod page;
mod paths;
mod plugin_status;
mod plugins;
mod proof;
mod quiet;
mod replies;
mod scale;
mod shipped;
mod state;
mod table;
mod trap;
mod updates;
