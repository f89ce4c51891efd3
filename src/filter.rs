//! The module that Envoy loads. Only this folder knows of a host.
//!
//! | file | content |
//! |---|---|
//! | [`sdk`] | the boundary to proxy-wasm |
//! | [`host`] | hostcalls as safe functions with typed results and errors |
//! | [`context`], [`roots`] | the callbacks of a root context, and the list of all of them |
//! | [`root`], [`adoption`] | a policy at work on one worker, and the documents that it has adopted |
//! | [`stream`] | the callbacks of a request |
//! | [`worker`] | the tick of a worker, which joins all roots of one thread |
//! | [`register`] | shared data; [`documents`], [`directory`] and [`members`] read documents, policies and VMs from it |
//! | [`control`], [`status`] | the control endpoint, and the sites of its status document |
//! | [`stats`], [`log_limit`] | metrics, and a limit for log lines that clients can cause |

mod adoption;
mod context;
mod control;
mod directory;
mod documents;
mod host;
mod log_limit;
mod members;
mod register;
mod root;
mod roots;
mod sdk;
mod stats;
mod status;
mod stream;
mod worker;

proxy_wasm::main! {{
    let roots = sdk::Roots { is_root: roots::is_root, is_quiet: roots::is_quiet };
    sdk::start(|context| Box::new(context::RootCallbacks::new(context)), roots);
}}
