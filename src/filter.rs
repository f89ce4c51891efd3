//! The module that Envoy loads. Nothing of the crate but this folder knows of a host.
//!
//! [`host`] makes every hostcall · [`context`] and [`root`] are the plugin on one worker, [`adoption`] what it has
//! adopted, [`entry`] the way in, [`stream`] one request · [`worker`] ticks, and joins what stands on one thread ·
//! [`register`] is what all threads share; [`documents`], [`directory`] and [`members`] read from it documents, policies
//! and VMs · [`control`] answers `maintctl` with the [`status`] · [`stats`] counts.

mod adoption;
mod context;
mod control;
mod directory;
mod documents;
mod entry;
mod host;
mod json;
mod log_limit;
mod members;
mod register;
mod root;
mod stats;
mod status;
mod stream;
mod worker;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|context| Box::new(context::RootContext::new(context)));
}}
