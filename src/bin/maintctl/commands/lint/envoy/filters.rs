//! The order of HTTP filters, and the plugin's own settings.

use envoy_maintenance::tree::Tree;

use super::plugins::Plugin;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::tree_query::{is_type, join, member, text};

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
/// Filters that answer requests or call other services, and so belong behind this filter: type and name.
const BEHIND: [(&str, &str); 5] = [
    ("envoy.extensions.filters.http.cors.v3.Cors", "cors"),
    ("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", "ext_authz"),
    ("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor", "ext_proc"),
    ("envoy.extensions.filters.http.oauth2.v3.OAuth2", "oauth2"),
    ("envoy.extensions.filters.http.ratelimit.v3.RateLimit", "ratelimit"),
];

/// Filters in front of the plugin that belong behind it.
pub fn order(plugin: &Plugin<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, filter) in &plugin.filters_before {
        if has_type(filter, ROUTER) {
            let text =
                "the router is in front of the plugin, so no request reaches the plugin; move the router to the end";
            findings.push(code::ROUTER_FIRST.at(path.clone(), text));
        }
        if let Some((_, name)) = BEHIND.iter().find(|(kind, _)| has_type(filter, kind)) {
            let text = format!(
                "{name} is in front of the plugin, so it answers or calls a service for requests of a closed site; move \
                 it behind the plugin"
            );
            findings.push(code::FILTER_ORDER.at(path.clone(), text));
        }
    }
    findings
}

/// True if the configuration of an HTTP filter is of the type `kind`.
pub fn has_type(filter: &Tree, kind: &str) -> bool {
    member(filter, "typed_config").is_some_and(|config| is_type(config, kind))
}

/// A plugin that does not restart after a trap.
pub fn no_reload(plugin: &Plugin<'_>) -> Vec<Finding> {
    if text(plugin.config, "failure_policy") == Some("FAIL_RELOAD") {
        return Vec::new();
    }
    let text = "not FAIL_RELOAD, so the filter does not restart after a trap; set it to FAIL_RELOAD";
    vec![code::NO_RELOAD.at(join(&plugin.found.plugin, "failure_policy"), text)]
}
