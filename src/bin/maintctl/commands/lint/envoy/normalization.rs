//! Connection managers that do not normalize paths.

use envoy_maintenance::tree::Tree;

use super::discovery::is_discovered;
use crate::commands::lint::code;
use crate::commands::lint::document::LintedDocument;
use crate::commands::lint::finding::Finding;
use crate::config::policy_file::{FoundPolicy, MANAGER};
use crate::config::tree_query::{is_type, join, list, member, objects};

/// The filter's treatment of ambiguous paths.
const EFFECT: &str =
    "stay ambiguous: no exempt rule matches them by path, and they are refused where a site may be closed";

/// The normalization settings that are missing in each connection manager with sites.
pub fn check(document: &LintedDocument) -> Vec<Finding> {
    let managers = objects(&document.source.tree).into_iter().filter(|(_, node)| is_type(node, MANAGER));
    let managers = managers.filter(|(path, manager)| has_sites(path, manager, document));
    managers.flat_map(|(path, manager)| missing_settings(&path, manager)).collect()
}

/// True if a manager contains a policy with sites, or gets this filter from a watched file or a server.
fn has_sites(path: &str, manager: &Tree, document: &LintedDocument) -> bool {
    let is_below = |rest: &str| path.is_empty() || rest.starts_with('.');
    let is_inside = |found: &FoundPolicy| found.plugin.strip_prefix(path).is_some_and(is_below);
    document.valid().any(|(found, subject)| is_inside(found) && !subject.policy.sites.is_empty())
        || list(manager, "http_filters").iter().any(is_discovered)
}

fn missing_settings(path: &str, manager: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut missing = |name: &str, text: String| findings.push(code::PATH_NOT_NORMALIZED.at(join(path, name), text));
    for (name, paths) in [("normalize_path", "dot segments or backslashes"), ("merge_slashes", "empty segments (//)")] {
        if member(manager, name) != Some(&Tree::Bool(true)) {
            missing(name, format!("not true, so paths with {paths} {EFFECT}; set it to true"));
        }
    }
    let name = "path_with_escaped_slashes_action";
    if !changes_escaped_slashes(member(manager, name)) {
        let text = format!(
            "keeps encoded slashes and backslashes, so paths with them {EFFECT}; set it to UNESCAPE_AND_REDIRECT, unless \
             the application needs them"
        );
        missing(name, text);
    }
    findings
}

/// True if the action, by name or number, rejects or decodes `%2F` and `%5C`.
fn changes_escaped_slashes(action: Option<&Tree>) -> bool {
    match action {
        Some(Tree::Text(name)) => !["IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED"].contains(&name.as_str()),
        Some(Tree::Number(number)) => *number > 1.0,
        _ => false,
    }
}
