//! Requests to many Envoys at once.

use std::thread;

use crate::envoys::error::EnvoyError;

/// Runs `act` on each item in a thread of its own, and returns the results in the order of the items.
pub fn each<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    act: impl Fn(I) -> Result<T, EnvoyError> + Sync,
) -> Vec<Result<T, EnvoyError>> {
    let act = &act;
    thread::scope(|scope| {
        let running: Vec<_> = items.into_iter().map(|item| scope.spawn(move || act(item))).collect();
        running.into_iter().map(|thread| joined(thread.join())).collect()
    })
}

/// The result of a thread. A panic counts as an error of the Envoy.
pub fn joined<T>(result: thread::Result<Result<T, EnvoyError>>) -> Result<T, EnvoyError> {
    result.unwrap_or_else(|_| Err(EnvoyError::Unexpected("maintctl failed during the request".to_owned())))
}
