//! Files that Envoy watches as discovery responses.

use envoy_maintenance::tree::Tree;

use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::policy_file::{FoundPolicy, MANAGER, WASM, names_ours};
use crate::config::tree_query::{is_type, list, member, objects, text};

/// The members of a `DiscoveryResponse`.
const DISCOVERY_RESPONSE: [&str; 11] = [
    "canary",
    "controlPlane",
    "control_plane",
    "nonce",
    "resourceErrors",
    "resource_errors",
    "resources",
    "typeUrl",
    "type_url",
    "versionInfo",
    "version_info",
];

/// The HTTP filters of a configuration that are this filter with a policy from a watched file or a server.
fn discovered_filters(tree: &Tree) -> Vec<&Tree> {
    let managers = objects(tree).into_iter().filter(|(_, node)| is_type(node, MANAGER));
    managers.flat_map(|(_, manager)| list(manager, "http_filters")).filter(|filter| is_discovered(filter)).collect()
}

/// True if an HTTP filter is this filter, with a policy from a watched file or a server.
pub fn is_discovered(filter: &Tree) -> bool {
    let types = member(filter, "config_discovery").map_or(&[][..], |discovery| list(discovery, "type_urls"));
    let is_wasm = |url: &Tree| matches!(url, Tree::Text(url) if url.rsplit('/').next() == Some(WASM));
    types.iter().any(is_wasm) && names_ours(filter)
}

/// The names of the files from which a configuration discovers policies; empty names for policies of a server.
pub fn watched_files(tree: &Tree) -> Vec<&str> {
    let discovered = discovered_filters(tree).into_iter();
    let path = |filter| {
        let source = member(member(filter, "config_discovery")?, "config_source")?;
        text(member(source, "path_config_source")?, "path")?.rsplit('/').next()
    };
    discovered.map(|filter| path(filter).unwrap_or_default()).collect()
}

/// Members that Envoy ignores, such as those of a policy that is not indented.
pub fn ignored_members(tree: &Tree, policies: &[FoundPolicy]) -> Vec<Finding> {
    let Tree::Map(entries) = tree else { return Vec::new() };
    if !policies.iter().any(|found| found.plugin.starts_with("resources[")) {
        return Vec::new();
    }
    let is_known = |key: &str| DISCOVERY_RESPONSE.contains(&key);
    let ignored: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).filter(|key| !is_known(key)).collect();
    let finding = |first: &&str| {
        let text =
            format!("Envoy ignores members beside `resources` ({}); indent a policy below `value`", ignored.join(", "));
        code::IGNORED_MEMBERS.at(*first, text)
    };
    ignored.first().map(finding).into_iter().collect()
}
