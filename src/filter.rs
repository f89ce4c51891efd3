//! The module that Envoy loads. Nothing of the crate but this folder knows of a host.
//!
//! [`host`] makes every hostcall · [`root`] is the plugin on one worker, [`entry`] the way in, [`stream`] one request · [`worker`] ticks, and
//! joins what stands on one thread · [`register`] is what all threads share: documents, policies, members · [`control`]
//! answers `maintctl` · [`stats`] counts.

mod control;
mod entry;
mod host;
mod register;
mod root;
mod stats;
mod status;
mod stream;
mod worker;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|context| Box::new(root::RootContext::new(context)));
}}
