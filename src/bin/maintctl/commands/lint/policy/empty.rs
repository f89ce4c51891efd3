//! Policies with which the filter does nothing.

use envoy_maintenance::tree::Tree;

use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// A policy without fields, or with neither sites nor a control endpoint.
pub fn without_effect(subject: &Subject) -> Vec<Finding> {
    let text = if subject.tree == Tree::Map(Vec::new()) {
        "empty, so nothing can close a site; write the policy here, indented below this key"
    } else if subject.policy.sites.is_empty() && subject.policy.control.is_none() {
        "neither sites nor a control endpoint, so the filter does nothing; add `sites` or `control`"
    } else {
        return Vec::new();
    };
    vec![code::EMPTY_POLICY.at("", text)]
}
