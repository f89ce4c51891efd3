//! Checks of the WasmPlugin or TrafficExtension that contains a policy.

use envoy_maintenance::tree::Tree;

use super::finding::Finding;
use crate::config::policy_file::{Carrier, FoundPolicy};
use crate::config::tree_query::{join, objects, text};

/// Runs all checks of the manifest around the policy `found`.
pub fn check(tree: &Tree, found: &FoundPolicy) -> Vec<Finding> {
    if found.carrier != Carrier::Istio {
        return Vec::new();
    }
    let objects = objects(tree);
    let Some((_, plugin)) = objects.iter().find(|(path, _)| *path == found.plugin) else { return Vec::new() };
    [unpinned_module(plugin, &found.plugin), no_reload(plugin, &found.plugin)].into_iter().flatten().collect()
}

/// A module whose URL may later lead to another module.
fn unpinned_module(plugin: &Tree, path: &str) -> Option<Finding> {
    let path = join(path, "sha256");
    match text(plugin, "sha256") {
        Some(digits) if digits.bytes().all(|digit| digit == b'0') && !digits.is_empty() => {
            Some(Finding::note(path, "a placeholder of zeros; replace it with the digest that sha256sum prints"))
        }
        Some(digits) if !digits.is_empty() => None,
        _ if text(plugin, "url").is_some_and(|url| url.contains("@sha256:")) => None,
        _ => Some(Finding::warning(path, "missing, so Istio accepts any module at the URL; set the module's SHA-256")),
    }
}

/// A plugin that does not restart after a trap.
fn no_reload(plugin: &Tree, path: &str) -> Option<Finding> {
    (text(plugin, "failStrategy") != Some("FAIL_RELOAD")).then(|| {
        let text = "not FAIL_RELOAD, so the filter does not restart after a trap; set it to FAIL_RELOAD";
        Finding::warning(join(path, "failStrategy"), text)
    })
}
