//! The compiled policy: sites, rules and keys.
//!
//! [`Policy::compile`] converts a plugin configuration as written ([`PluginConfig`]) into the form in which requests are
//! decided. One error rejects the whole configuration; the message names the key path and the value. A compiled policy
//! is never invalid, so that deciding on a request cannot fail.
//!
//! - A [`Site`] opens and closes as a unit. It has hosts, or path prefixes of hosts. The [`SiteIndex`] finds the site of a
//!   request.
//! - A [`Rule`] is a named set of conditions on a request. A site has three lists of rules, each with the policy-wide rules
//!   first: `exempt` rules let requests through a closed site, `always_closed` rules refuse requests even if the site is
//!   online, and `health_checks` are answered by the filter while the site is closed.
//! - A [`Key`] is a public key, with the sites and kinds of tokens for which its signature is accepted.
//! - `declared` is the state that the policy itself gives to a site. While it exists, pushed documents have no effect.
//!
//! A policy takes no decisions (see [`verdict`](crate::verdict)) and contains no replies (see [`reply`](crate::reply)).
//!
//! [`PluginConfig`]: crate::config::PluginConfig

use std::rc::Rc;

use crate::matching::{HostPattern, RedirectTarget};
use crate::request::{Host, Request};
use crate::state::Document;

mod built_in;
mod compile;
pub mod keys;
mod rule;
mod rule_lists;
mod site_index;
#[cfg(test)]
mod tests;

pub use compile::name;
pub use keys::{Key, Permission};
pub use rule::{Effect, Rule, Rules, check_tokens};
pub use site_index::{SiteIndex, SiteMatch};

/// A compiled plugin configuration, without its replies.
#[derive(Debug)]
pub struct Policy {
    /// The fleet of this Envoy. Documents of other fleets have no effect.
    pub fleet: Option<String>,
    /// The sites, in the order of the configuration.
    pub sites: Vec<Site>,
    /// Finds the site of a request. Its positions are those of `sites`.
    pub index: SiteIndex,
    /// The public keys whose signatures are accepted.
    pub keys: Vec<Key>,
    /// The key in Envoy's dynamic metadata under which jwt_authn stores the payload of a verified token.
    pub jwt_metadata_key: Option<String>,
    /// The path prefix of the control endpoint, canonical and without a trailing slash; none: no endpoint.
    pub control: Option<String>,
}

/// A site and its rules.
#[derive(Debug)]
pub struct Site {
    /// The name, unique in the policy.
    pub name: String,
    /// The hosts.
    pub hosts: Vec<HostPattern>,
    /// The path prefixes, canonical and without trailing slashes; `""` for all paths.
    pub paths: Vec<String>,
    /// Rules that let a request through the closed site.
    pub exempt: Rules,
    /// Rules that refuse a request even if the site is online.
    pub always_closed: Rules,
    /// Rules for requests that the filter answers itself while the site is closed.
    pub health_checks: Rules,
    /// The target of the redirect in the site's reply. Requests for it pass, or browsers would never arrive.
    pub redirect_target: Option<RedirectTarget>,
    /// The declared state.
    pub declared: Option<Rc<Document>>,
}

impl Policy {
    /// The part of the request's `:path` after the prefix of the control endpoint, with its leading slash and without the
    /// query; none for any other request. The prefix is compared literally: with percent-encoding, other servers could
    /// read the path as one of the application.
    pub fn below_control<'r>(&self, request: &Request<'r>) -> Option<&'r [u8]> {
        let path = request.target.split(|byte| *byte == b'?').next()?;
        path.strip_prefix(self.control.as_deref()?.as_bytes()).filter(|below| below.starts_with(b"/"))
    }

    /// True if any site has an `always_closed` rule, so that requests may be refused while every site is online.
    pub fn has_always_closed(&self) -> bool {
        self.sites.iter().any(|site| !site.always_closed.is_empty())
    }
}

impl Site {
    /// True if the site consists of path prefixes only, and not of whole hosts.
    pub fn has_paths(&self) -> bool {
        !self.paths.iter().any(String::is_empty)
    }

    /// True if `host` is one of the site's exact hosts.
    pub fn is_exact_host(&self, host: &Host) -> bool {
        self.hosts.iter().any(|own| matches!(own, HostPattern::Exact(name) if name == host.as_str()))
    }
}
