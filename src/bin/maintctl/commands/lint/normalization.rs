//! Connection managers that hand paths to the filter as clients wrote them.

use envoy_maintenance::tree::Tree;

use crate::commands::lint::envoy::MANAGER;
use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::Subject;
use crate::config::policy_file::{FoundPolicy, WASM, is_type, join, list, member, names_ours, objects};

/// What the filter does with a path that it cannot read in one way.
const COST: &str = "reach the filter, which exempts none of them by path and refuses those that may be closed";

/// The settings that each connection manager with a policy of sites lacks.
pub fn check(tree: &Tree, subjects: &[(&FoundPolicy, Subject)]) -> Vec<Finding> {
    let managers = objects(tree).into_iter().filter(|(_, node)| is_type(node, MANAGER));
    let managers = managers.filter(|(path, manager)| has_sites(path, manager, subjects));
    managers.flat_map(|(path, manager)| lacks(&path, manager)).collect()
}

/// Whether a manager carries a policy with sites, or has this filter from a watched file or a server.
fn has_sites(path: &str, manager: &Tree, subjects: &[(&FoundPolicy, Subject)]) -> bool {
    let is_below = |rest: &str| path.is_empty() || rest.starts_with('.');
    let is_inside = |found: &FoundPolicy| found.plugin.strip_prefix(path).is_some_and(is_below);
    subjects.iter().any(|(found, subject)| is_inside(found) && !subject.policy.sites.is_empty())
        || list(manager, "http_filters").iter().any(is_discovered)
}

fn is_discovered(filter: &Tree) -> bool {
    let types = member(filter, "config_discovery").map_or(&[][..], |discovery| list(discovery, "type_urls"));
    let is_wasm = |url: &Tree| matches!(url, Tree::Text(url) if url.rsplit('/').next() == Some(WASM));
    types.iter().any(is_wasm) && names_ours(filter)
}

fn lacks(path: &str, manager: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lacks = |name: &str, text: String| findings.push(Finding::warning(join(path, name), text));
    for (name, paths) in [("normalize_path", "dot segments or backslashes"), ("merge_slashes", "empty segments (//)")] {
        if member(manager, name) != Some(&Tree::Bool(true)) {
            lacks(name, format!("not true, so paths with {paths} {COST}; set it to true"));
        }
    }
    let name = "path_with_escaped_slashes_action";
    if !changes_escaped_slashes(member(manager, name)) {
        let text = format!(
            "keeps encoded slashes and backslashes, so paths with them {COST}; set it to UNESCAPE_AND_REDIRECT, unless the \
             application needs them"
        );
        lacks(name, text);
    }
    findings
}

/// Whether Envoy rejects or decodes `%2F` and `%5C`, by the action's name or number.
fn changes_escaped_slashes(action: Option<&Tree>) -> bool {
    match action {
        Some(Tree::Text(name)) => !["IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED"].contains(&name.as_str()),
        Some(Tree::Number(number)) => *number > 1.0,
        _ => false,
    }
}
