//! The explanation of one request.

use envoy_maintenance::request::RequestPath;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;

use crate::commands::explain::wire::ClientResponse;

/// The decision on a request.
pub struct Explanation {
    /// The time of the request.
    pub at: Time,
    /// `control-endpoint`, or the verdict as logs show it.
    pub verdict: String,
    pub outcome: Action,
    pub site: Option<String>,
    /// The site's strictest active mode.
    pub mode: Mode,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
    pub host: Option<String>,
    pub path: RequestPath,
    /// Assumptions, and reasons that the verdict does not name.
    pub notes: Vec<String>,
}

/// The effect on a request.
pub enum Action {
    /// The application gets it, with these headers added.
    Pass(Vec<(&'static str, String)>),
    /// The filter answers it.
    Answer(ClientResponse),
    /// The control endpoint answers it.
    Control,
}
