//! Matchers: compiled patterns for texts, IP addresses, hosts, paths and redirect targets. Rules, reply formats and CORS
//! share them. A compiled matcher is never invalid: invalid patterns are errors when the policy loads.

mod affixes;
pub mod cidr;
pub mod host;
pub mod path;
pub mod redirect;
mod regex;
pub mod text;

pub use host::HostPattern;
pub use redirect::RedirectTarget;
