//! The callbacks that Envoy makes for each stream. They stand before the SDK's own, which keep a map of every stream:
//! a request that nothing could refuse is let through here, and the SDK never hears of it.
//!
//! `strip-exports` gives an export `before_NAME` the place of the SDK's `NAME`. A module that it has not seen does the same
//! at the SDK's cost.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashSet;

use super::root::Root;

unsafe extern "C" {
    // The SDK's callbacks, with exactly its types: another type of the same size would be another function.
    fn proxy_on_context_create(context: u32, parent: u32);
    fn proxy_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32;
    fn proxy_on_delete(context: u32);
}

const CONTINUE: u32 = 0;

thread_local! {
    /// The root contexts in the order of their numbers, with their policies once they are configured.
    static ROOTS: RefCell<Vec<(u32, Option<Rc<Root>>)>> = const { RefCell::new(Vec::new()) };
    /// The streams that the SDK knows.
    static STREAMS: RefCell<HashSet<u32>> = RefCell::default();
}

/// Says which policy a root context has.
pub fn set_root(context: u32, root: Option<Rc<Root>>) {
    ROOTS.with_borrow_mut(|roots| {
        roots.retain(|(known, _)| *known != context);
        let place = roots.partition_point(|(known, _)| *known < context);
        roots.insert(place, (context, root));
    });
}

/// Forgets a root context.
pub fn remove_root(context: u32) {
    ROOTS.with_borrow_mut(|roots| roots.retain(|(known, _)| *known != context));
}

fn find(roots: &[(u32, Option<Rc<Root>>)], context: u32) -> Option<&(u32, Option<Rc<Root>>)> {
    roots.binary_search_by_key(&context, |(known, _)| *known).ok().and_then(|place| roots.get(place))
}

fn is_quiet(root: u32) -> bool {
    ROOTS.with_borrow(|roots| find(roots, root).and_then(|(_, root)| root.as_ref()).is_some_and(|root| root.is_quiet()))
}

fn is_root(context: u32) -> bool {
    ROOTS.with_borrow(|roots| find(roots, context).is_some())
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_context_create(context: u32, parent: u32) {
    // A root context has the parent 0.
    if parent != 0 {
        if is_quiet(parent) {
            return;
        }
        STREAMS.with_borrow_mut(|streams| streams.insert(context));
    }
    // SAFETY: the SDK defines this safe function with the same signature.
    unsafe { proxy_on_context_create(context, parent) };
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32 {
    if STREAMS.with_borrow(|streams| streams.contains(&context)) {
        // SAFETY: the SDK defines this safe function with the same signature.
        unsafe { proxy_on_request_headers(context, headers, end_of_stream) }
    } else {
        CONTINUE
    }
}

#[unsafe(no_mangle)]
extern "C" fn before_proxy_on_delete(context: u32) {
    if STREAMS.with_borrow_mut(|streams| !streams.is_empty() && streams.remove(&context)) || is_root(context) {
        // SAFETY: the SDK defines this safe function with the same signature.
        unsafe { proxy_on_delete(context) };
    }
}
