//! The explanation of one request.

use envoy_maintenance::request::RequestPath;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;

use crate::commands::explain::wire::ClientResponse;

/// What is to be said of a request.
pub struct Explanation {
    /// The moment of the request.
    pub at: Time,
    /// `control-endpoint`, or the verdict as logs show it.
    pub verdict: String,
    pub outcome: Action,
    pub site: Option<String>,
    /// The site's strictest active mode.
    pub mode: Mode,
    /// The rule that decided.
    pub rule: Option<String>,
    pub host: Option<String>,
    pub path: RequestPath,
    /// What else one should know.
    pub notes: Vec<String>,
}

/// What becomes of a request.
pub enum Action {
    /// It goes on to the application, with these headers set.
    Pass(Vec<(&'static str, String)>),
    /// The filter answers it.
    Answer(ClientResponse),
    /// The control endpoint answers it, from what Envoy holds.
    Control,
}
