//! Files that Envoy watches as discovery responses.

use envoy_maintenance::tree::Tree;

use super::finding::Finding;
use crate::config::policy_file::FoundPolicy;

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
        Finding::warning(*first, text)
    };
    ignored.first().map(finding).into_iter().collect()
}
