//! The root contexts of this thread: one entry for each, with its policy once Envoy has configured it.

use std::cell::RefCell;
use std::rc::Rc;

use super::root::Root;

thread_local! {
    /// In the order of the context ids, which is the order in which Envoy made them.
    static ROOTS: RefCell<Vec<(u32, Option<Rc<Root>>)>> = const { RefCell::new(Vec::new()) };
}

fn find(roots: &[(u32, Option<Rc<Root>>)], context: u32) -> Result<usize, usize> {
    roots.binary_search_by_key(&context, |(known, _)| *known)
}

/// Registers a root context, or replaces its policy.
pub fn set(context: u32, root: Option<Rc<Root>>) {
    ROOTS.with_borrow_mut(|roots| {
        let place = find(roots, context);
        match place.ok().and_then(|place| roots.get_mut(place)) {
            Some(known) => known.1 = root,
            None => roots.insert(place.unwrap_or_else(|place| place), (context, root)),
        }
    });
}

/// Removes a root context and returns its policy.
pub fn remove(context: u32) -> Option<Rc<Root>> {
    ROOTS.with_borrow_mut(|roots| find(roots, context).ok().and_then(|place| roots.remove(place).1))
}

/// The policy that a root context runs.
pub fn get(context: u32) -> Option<Rc<Root>> {
    ROOTS.with_borrow(|roots| roots.get(find(roots, context).ok()?)?.1.clone())
}

/// All configured root contexts of this thread, oldest first.
pub fn all() -> Vec<Rc<Root>> {
    ROOTS.with_borrow(|roots| roots.iter().filter_map(|(_, root)| root.clone()).collect())
}

/// True if the id is that of a root context.
pub fn is_root(context: u32) -> bool {
    ROOTS.with_borrow(|roots| find(roots, context).is_ok())
}

/// True if the root context is quiet.
pub fn is_quiet(context: u32) -> bool {
    ROOTS.with_borrow(|roots| {
        let root = find(roots, context).ok().and_then(|place| roots.get(place)?.1.as_ref());
        root.is_some_and(|root| root.is_quiet())
    })
}
