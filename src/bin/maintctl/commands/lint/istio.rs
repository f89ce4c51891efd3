//! Checks of the WasmPlugin or TrafficExtension that contains a policy.

use envoy_maintenance::tree::Tree;

use super::code;
use super::document::LintedDocument;
use super::finding::Finding;
use super::policy::subject::Subject;
use crate::config::policy_file::{Carrier, FoundPolicy};
use crate::config::tree_query::{join, list, member, objects, text};

/// A manifest, and the plugin that it describes.
struct Manifest<'a> {
    found: &'a FoundPolicy,
    subject: &'a Subject,
    /// The members of `spec`.
    spec: &'a Tree,
    /// The plugin's own members: `spec`, or `spec.wasm`.
    plugin: &'a Tree,
}

/// Runs all checks of the manifests in a document.
pub fn check(document: &LintedDocument) -> Vec<Finding> {
    let objects = objects(&document.source.tree);
    let object = |at: &str| objects.iter().find(|(path, _)| path == at).map(|(_, object)| *object);
    let manifests =
        document.valid().filter(|(found, _)| found.carrier == Carrier::Istio).filter_map(|(found, subject)| {
            let spec = object(found.plugin.strip_suffix(".wasm").unwrap_or(&found.plugin))?;
            Some(Manifest { found, subject, spec, plugin: object(&found.plugin)? })
        });
    manifests
        .flat_map(|manifest| [module(&manifest), no_reload(&manifest), not_a_gateway(&manifest)])
        .flatten()
        .collect()
}

/// A module that Istio does not compare with a digest.
fn module(manifest: &Manifest<'_>) -> Option<Finding> {
    let (path, url) = (join(&manifest.found.plugin, "sha256"), text(manifest.plugin, "url").unwrap_or_default());
    let field = text(manifest.plugin, "sha256").filter(|digits| !digits.is_empty());
    let is_file = url.starts_with("file://");
    if is_file && field.is_some() {
        let text = "Istio ignores it for file:// modules; remove it, and check the file where you install it";
        return Some(code::ISTIO_FILE_SHA256.at(path, text));
    }
    let in_url = url.split_once("@sha256:").map(|(_, digits)| digits);
    let is_image = !["http://", "https://", "file://"].iter().any(|scheme| url.starts_with(scheme));
    let subject = if is_image { "image" } else { "module" };
    match (in_url, field) {
        (Some(digits), _) if is_placeholder(digits) => {
            let text = format!("a placeholder of zeros; replace it with the digest of the {subject}");
            Some(code::MODULE_DIGEST_PLACEHOLDER.at(join(&manifest.found.plugin, "url"), text))
        }
        (None, Some(digits)) if is_placeholder(digits) => {
            let text = format!("a placeholder of zeros; replace it with the digest of the {subject}");
            Some(code::MODULE_DIGEST_PLACEHOLDER.at(path, text))
        }
        (None, None) if !is_file => {
            let text = format!("missing, so Istio accepts any {subject} at the URL; set the SHA-256 of the {subject}");
            Some(code::MODULE_NOT_PINNED.at(path, text))
        }
        _ => None,
    }
}

fn is_placeholder(digits: &str) -> bool {
    digits.bytes().all(|digit| digit == b'0')
}

/// A plugin that does not restart after a trap.
fn no_reload(manifest: &Manifest<'_>) -> Option<Finding> {
    (text(manifest.plugin, "failStrategy") != Some("FAIL_RELOAD")).then(|| {
        let text =
            "not FAIL_RELOAD, so the filter does not restart after a trap; set it to FAIL_RELOAD (Istio 1.27 or later)";
        code::NO_RELOAD.at(join(&manifest.found.plugin, "failStrategy"), text)
    })
}

/// `remote_ips` in a plugin that sidecars may run: Istio sets `useRemoteAddress` at gateways only.
fn not_a_gateway(manifest: &Manifest<'_>) -> Option<Finding> {
    let rules = manifest.subject.rule_names(|rule| rule.remote_ips.is_some())?;
    if selects_a_gateway(manifest.spec) {
        return None;
    }
    let spec = manifest.found.plugin.strip_suffix(".wasm").unwrap_or(&manifest.found.plugin);
    let text = format!(
        "not known to select a gateway, and at a sidecar any client can satisfy the remote_ips of {rules} with an \
         X-Forwarded-For header; select a gateway by its label `istio` or by targetRefs"
    );
    Some(code::ISTIO_NOT_A_GATEWAY.at(join(spec, "selector"), text))
}

/// True if the labels or references of a manifest name gateways only.
fn selects_a_gateway(spec: &Tree) -> bool {
    let references = list(spec, "targetRefs");
    let is_gateway = |reference: &Tree| text(reference, "kind") == Some("Gateway");
    let labels = member(spec, "selector").and_then(|selector| member(selector, "matchLabels"));
    let is_label = |(key, value): &(String, Tree)| {
        // The charts of Istio label their gateways ingressgateway, egressgateway, or by the name of the release.
        let names_gateway = |name: &str| ["gateway", "ingress", "egress"].iter().any(|part| name.contains(part));
        let is_named = key == "istio" && matches!(value, Tree::Text(name) if names_gateway(name));
        is_named || key == "gateway.networking.k8s.io/gateway-name"
    };
    !references.is_empty() && references.iter().all(is_gateway)
        || matches!(labels, Some(Tree::Map(labels)) if labels.iter().any(is_label))
}

#[cfg(test)]
mod tests;
