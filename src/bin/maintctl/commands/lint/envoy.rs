//! Checks of the Envoy configuration around a policy: its listener, connection manager, routes and other filters.

use envoy_maintenance::tree::Tree;

use super::finding::Finding;
use super::plugins::Plugin;
use super::subject::Subject;
use super::{filters, routes};
use crate::config::policy_file::FoundPolicy;
use crate::config::tree_query::{join, member, objects, text};

/// Runs all checks around the policy `found`, if an Envoy configuration contains it.
pub fn check(tree: &Tree, found: &FoundPolicy, subject: &Subject) -> Vec<Finding> {
    let Some(plugin) = Plugin::find(tree, found, subject) else { return Vec::new() };
    [
        empty_policy(&plugin),
        forged_addresses(&plugin),
        untrusted_certificates(&plugin),
        routes::without_a_site(&plugin),
        public_control_endpoint(&plugin),
        filters::claims_without_jwt_authn(&plugin),
        filters::order(&plugin),
        filters::no_reload(&plugin),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A `value` of null, which results from a policy that is not indented below it.
fn empty_policy(plugin: &Plugin<'_>) -> Vec<Finding> {
    let value = member(plugin.config, "configuration").and_then(|configuration| configuration.get("value"));
    if value != Some(&Tree::Null) {
        return Vec::new();
    }
    let text = "null, so the policy is empty; indent the policy below `value`";
    vec![Finding::warning(&*plugin.found.at, text)]
}

/// `remote_ips` under a connection manager that takes the client address from X-Forwarded-For.
fn forged_addresses(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some((path, manager)) = &plugin.manager else { return Vec::new() };
    if member(manager, "use_remote_address") == Some(&Tree::Bool(true)) {
        return Vec::new();
    }
    let Some(rules) = plugin.rules(|rule| rule.remote_ips.is_some()) else { return Vec::new() };
    let text = format!(
        "not true, so any client can satisfy the remote_ips of {rules} with an X-Forwarded-For header; set it to true"
    );
    vec![Finding::error(join(path, "use_remote_address"), text)]
}

/// `uri_sans` on a listener that does not verify client certificates.
fn untrusted_certificates(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some((path, chain)) = &plugin.filter_chain else { return Vec::new() };
    let Some(rules) = plugin.rules(|rule| rule.uri_sans.is_some()) else { return Vec::new() };
    let contexts = objects(chain).into_iter();
    let untrusted = contexts.filter(|(_, node)| text(node, "trust_chain_verification") == Some("ACCEPT_UNTRUSTED"));
    let finding = |(below, _): (String, &Tree)| {
        let text = format!(
            "ACCEPT_UNTRUSTED, so any client can satisfy the uri_sans of {rules} with a self-signed certificate; remove it"
        );
        Finding::error(join(&join(path, &below), "trust_chain_verification"), text)
    };
    untrusted.map(finding).collect()
}

/// A control endpoint on an address that other machines can reach.
fn public_control_endpoint(plugin: &Plugin<'_>) -> Vec<Finding> {
    let (Some((path, listener)), Some(prefix)) = (&plugin.listener, &plugin.subject.policy.control) else {
        return Vec::new();
    };
    let socket = member(listener, "address").and_then(|address| member(address, "socket_address"));
    let Some(address) = socket.and_then(|socket| text(socket, "address")) else { return Vec::new() };
    if address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()) {
        return Vec::new();
    }
    let text = format!(
        "the control endpoint {prefix} listens on {address}; give it its own listener on 127.0.0.1 or in a network of \
         operators"
    );
    vec![Finding::warning(format!("{path}.address.socket_address.address"), text)]
}

#[cfg(test)]
mod tests;
