//! What stands around a policy in a WasmPlugin or TrafficExtension.

use envoy_maintenance::tree::Tree;

use crate::commands::lint::finding::Finding;
use crate::config::policy_file::{Carrier, FoundPolicy, join, objects, text};

/// The findings about the manifest that holds a policy.
pub fn check(tree: &Tree, found: &FoundPolicy) -> Vec<Finding> {
    if found.carrier != Carrier::Istio {
        return Vec::new();
    }
    let objects = objects(tree);
    let Some((_, plugin)) = objects.iter().find(|(path, _)| *path == found.plugin) else { return Vec::new() };
    [module_is_not_pinned(plugin, &found.plugin), does_not_reload(plugin, &found.plugin)]
        .into_iter()
        .flatten()
        .collect()
}

/// A module that could become another one.
fn module_is_not_pinned(plugin: &Tree, path: &str) -> Option<Finding> {
    let path = join(path, "sha256");
    match text(plugin, "sha256") {
        Some(digits) if digits.bytes().all(|digit| digit == b'0') && !digits.is_empty() => Some(Finding::note(
            path,
            "zeros stand for the number of no module; put in that of yours, as sha256sum prints it",
        )),
        Some(digits) if !digits.is_empty() => None,
        _ if text(plugin, "url").is_some_and(|url| url.contains("@sha256:")) => None,
        _ => Some(Finding::warning(path, "missing, so the module may become another one; pin its SHA-256")),
    }
}

/// A filter that stays dead after a trap.
fn does_not_reload(plugin: &Tree, path: &str) -> Option<Finding> {
    (text(plugin, "failStrategy") != Some("FAIL_RELOAD")).then(|| {
        let text = "not FAIL_RELOAD, so after a trap the filter does not start anew; set it";
        Finding::warning(join(path, "failStrategy"), text)
    })
}
