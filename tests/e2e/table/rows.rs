//! The rows of the table: a state, requests, and the outcome of each request.

mod exempt;
mod modes;
mod sites;
mod times;

/// The outcome of a request, with the verdict that the access log shows.
#[derive(Clone, Copy)]
pub enum Then {
    /// The application responds.
    Passes(&'static str),
    /// The filter responds with 503; the request does not reach the application.
    Refused(&'static str),
    /// The filter responds with 200; the request does not reach the application.
    Answered(&'static str),
    /// The filter responds with 302; the request does not reach the application.
    Redirected(&'static str),
}
pub use Then::{Answered, Passes, Redirected, Refused};

/// One behaviour of the filter.
pub struct BehaviourRow {
    pub behaviour: &'static str,
    /// The documents of sites as JSON, by site. A site without one is online.
    pub state: &'static str,
    /// Requests and their outcomes. A request is `HOST METHOD TARGET`, followed by header lines.
    pub requests: &'static [(&'static str, Then)],
}

/// The verdict of a request that the filter does not look at.
const NO_VERDICT: &str = "-";

/// `shop` is offline.
const OFFLINE: &str = r#"{ "shop": { "mode": "offline" } }"#;

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static BehaviourRow> {
    [exempt::EXEMPT, modes::MODES, sites::SITES, times::TIMES].into_iter().flatten()
}
