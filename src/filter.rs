//! The proxy-wasm filter. Only this folder calls the host.
//!
//! | file | content |
//! |---|---|
//! | [`sdk`] | the boundary to proxy-wasm |
//! | [`host`] | hostcalls as safe functions with typed results and errors |
//! | [`register`] | shared data; [`vms`], [`plugins`], [`refusals`] and [`documents`] are the values in it |
//! | [`root`], [`adoption`], [`sites`] | a root context: its policy, and the documents that it has adopted |
//! | [`roots`], [`membership`], [`worker`] | all root contexts of a VM, its record, and its tick |
//! | [`context`] | the callbacks of a root context |
//! | [`stream`] | the callbacks of a request |
//! | [`directory`], [`status`], [`control`] | the control endpoint and its status document |
//! | [`stats`], [`gauges`], [`log_limit`] | metrics, and a limit for log lines that clients can cause |

mod adoption;
mod context;
mod control;
mod directory;
mod documents;
mod gauges;
mod host;
mod log_limit;
mod membership;
mod plugins;
mod refusals;
mod register;
mod root;
mod roots;
mod sdk;
mod sites;
mod stats;
mod status;
mod stream;
mod vms;
mod worker;

proxy_wasm::main! {{
    let roots = sdk::Roots { is_root: roots::is_root, is_quiet: roots::is_quiet };
    sdk::start(|context| Box::new(context::RootCallbacks::new(context)), roots);
}}
