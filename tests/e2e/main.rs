//! Whole-program tests: the module that `make build` ships in a real Envoy, maintctl, and what `envoy/` ships.
//!
//! `make e2e` runs them; `make e2e TESTS=name` those whose name holds it. They need two variables, which make sets:
//! `ENVOY`, and `MODULE`, the module under test (else `dist/envoy_maintenance.wasm`).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(dead_code, reason = "the harness offers more than the tests of one day use")]

mod support;

mod bad_policy;
mod budget;
mod claims;
mod cli;
mod clients;
mod control;
mod demo;
mod evasions;
mod explain;
mod flood;
mod harness;
mod host_errors;
mod hostile;
mod page;
mod paths;
mod proof;
mod quiet;
mod replies;
mod scale;
mod shipped;
mod state;
mod table;
mod trap;
mod updates;
