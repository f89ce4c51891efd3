//! The boundary to proxy-wasm: the parts of its SDK that are used, the functions that are declared beside it, and the
//! callbacks that come before the SDK's.
//!
//! Of the SDK, the filter uses the entry point, the traits of contexts, the logger, the allocator for bytes from the host,
//! and the maps of contexts behind the callbacks that `strip-exports` keeps. The filter makes no hostcall through the SDK:
//! [`calls`] declares the functions, each with the reason.

pub mod calls;
mod shims;

pub use proxy_wasm::traits::{Context, HttpContext, RootContext};
pub use proxy_wasm::types::{Action, ContextType};
pub use shims::Roots;

/// Sets up the module: `new_root` makes root contexts, and `roots` answers for them.
pub fn start(new_root: fn(u32) -> Box<dyn RootContext>, roots: Roots) {
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(new_root);
    shims::set_roots(roots);
}
