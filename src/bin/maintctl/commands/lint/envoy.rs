//! Checks of the Envoy configuration around a policy: its listener, connection manager, routes and other filters.

pub mod plugins;

mod discovery;
mod filters;
mod jwt;
mod normalization;
mod routes;

pub use discovery::watched_files;

use envoy_maintenance::tree::Tree;

use super::code;
use super::document::LintedDocument;
use super::finding::Finding;
use crate::config::tree_query::{join, member, objects, text};
use plugins::Plugin;

const PLUGIN_CHECKS: [fn(&Plugin<'_>) -> Vec<Finding>; 9] = [
    forged_addresses,
    untrusted_certificates,
    routes::without_a_site,
    public_control_endpoint,
    filters::order,
    filters::no_reload,
    jwt::order,
    jwt::metadata_key,
    jwt::issuers,
];

/// Runs all checks of the Envoy configuration in a document.
pub fn check(document: &LintedDocument) -> Vec<Finding> {
    let tree = &document.source.tree;
    let plugins = document.valid().filter_map(|(found, subject)| Plugin::find(tree, found, subject));
    let mut findings: Vec<Finding> =
        plugins.flat_map(|plugin| PLUGIN_CHECKS.iter().flat_map(|check| check(&plugin)).collect::<Vec<_>>()).collect();
    findings.extend(jwt::allow_missing(tree));
    findings.extend(normalization::check(document));
    findings.extend(discovery::ignored_members(tree, &document.source.policies));
    findings
}

/// `remote_ips` under a connection manager that takes the client address from X-Forwarded-For.
fn forged_addresses(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some((path, manager)) = &plugin.manager else { return Vec::new() };
    if member(manager, "use_remote_address") == Some(&Tree::Bool(true)) {
        return Vec::new();
    }
    let Some(rules) = plugin.subject.rule_names(|rule| rule.remote_ips.is_some()) else { return Vec::new() };
    let text = format!(
        "not true, so any client can satisfy the remote_ips of {rules} with an X-Forwarded-For header; set it to true"
    );
    vec![code::FORGED_ADDRESSES.at(join(path, "use_remote_address"), text)]
}

/// `uri_sans` on a listener that does not verify client certificates.
fn untrusted_certificates(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some((path, chain)) = &plugin.filter_chain else { return Vec::new() };
    let Some(rules) = plugin.subject.rule_names(|rule| rule.uri_sans.is_some()) else { return Vec::new() };
    let contexts = objects(chain).into_iter();
    let untrusted = contexts.filter(|(_, node)| text(node, "trust_chain_verification") == Some("ACCEPT_UNTRUSTED"));
    let finding = |(below, _): (String, &Tree)| {
        let text = format!(
            "ACCEPT_UNTRUSTED, so any client can satisfy the uri_sans of {rules} with a self-signed certificate; remove it"
        );
        code::UNTRUSTED_CERTIFICATES.at(join(&join(path, &below), "trust_chain_verification"), text)
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
    vec![code::CONTROL_PUBLIC.at(format!("{path}.address.socket_address.address"), text)]
}

#[cfg(test)]
mod tests;
