//! Callbacks that come before the SDK's. The SDK allocates a context for every stream and keeps it in a map; these shims
//! let a request pass without one while nothing can refuse it.
//!
//! `strip-exports` renames an export `before_NAME` to `NAME` and removes the SDK's. In a module without this step, the
//! SDK's callbacks do the same work, only slower.

use std::cell::{Cell, RefCell};

unsafe extern "C" {
    // The SDK defines these callbacks with exactly these types.
    fn proxy_on_context_create(context: u32, parent: u32);
    fn proxy_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32;
    fn proxy_on_delete(context: u32);
}

/// [`Action::Continue`](super::Action::Continue) as a number.
const CONTINUE: u32 = 0;

/// Questions about the root contexts of this thread, by context id.
#[derive(Clone, Copy)]
pub struct Roots {
    /// True if the id is that of a root context.
    pub is_root: fn(u32) -> bool,
    /// True if the requests of this root context pass unseen.
    pub is_quiet: fn(u32) -> bool,
}

thread_local! {
    static ROOTS: Cell<Roots> = const { Cell::new(Roots { is_root: |_| true, is_quiet: |_| false }) };
    /// The streams that the SDK knows, in the order of their ids, which is the order in which they began.
    static STREAMS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

pub fn set_roots(roots: Roots) {
    ROOTS.set(roots);
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_context_create(context: u32, parent: u32) {
    // The parent of a root context is 0.
    if parent != 0 {
        if (ROOTS.get().is_quiet)(parent) {
            return;
        }
        STREAMS.with_borrow_mut(|streams| {
            if let Err(place) = streams.binary_search(&context) {
                streams.insert(place, context);
            }
        });
    }
    // SAFETY: the SDK defines this safe function with the same signature.
    unsafe { proxy_on_context_create(context, parent) };
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32 {
    if STREAMS.with_borrow(|streams| streams.binary_search(&context)).is_err() {
        return CONTINUE;
    }
    // SAFETY: the SDK defines this safe function with the same signature.
    unsafe { proxy_on_request_headers(context, headers, end_of_stream) }
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_delete(context: u32) {
    let is_stream = STREAMS.with_borrow_mut(|streams| {
        let place = streams.binary_search(&context);
        place.map(|place| streams.remove(place)).is_ok()
    });
    if is_stream || (ROOTS.get().is_root)(context) {
        // SAFETY: the SDK defines this safe function with the same signature.
        unsafe { proxy_on_delete(context) };
    }
}
