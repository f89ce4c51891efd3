//! Regexes that are written for a search at the start of a value, as Django's URL patterns are.

use envoy_maintenance::tree::Tree;

use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::tree_query::objects;

/// Explicit ends of regexes.
const ENDS: [&str; 6] = ["$", "\\z", ".*", ".+", ".*)", "$)"];

/// Regexes that begin with `^` and have no explicit end. The filter matches the whole value, so they rarely match.
pub fn open_end(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, object) in objects(&subject.tree) {
        // The members of a JSON body are not read as texts.
        if path.contains("reply.json") {
            continue;
        }
        let Some(Tree::Text(regex)) = object.get("regex") else { continue };
        if let Some(alternative) = alternatives(regex).into_iter().find(|alternative| is_open(alternative)) {
            let text = format!(
                "\"{alternative}\" begins with ^ and has no explicit end, but a regex must match the whole value; end it \
                 with .* to match longer values too, or with $ to keep its meaning"
            );
            findings.push(code::REGEX_OPEN_END.at(format!("{path}.regex"), text));
        }
    }
    findings
}

fn is_open(regex: &str) -> bool {
    let start = regex.trim_start_matches('(').trim_start_matches("?:");
    (start.starts_with('^') || start.starts_with("\\A")) && !ENDS.iter().any(|end| regex.ends_with(end))
}

/// The alternatives of a regex. Those inside of groups and classes are not separated.
fn alternatives(regex: &str) -> Vec<&str> {
    let (mut depth, mut is_class, mut is_escaped, mut start) = (0_usize, false, false, 0);
    let mut alternatives = Vec::new();
    for (at, character) in regex.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => is_class = true,
            ']' => is_class = false,
            _ if is_class => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                alternatives.extend(regex.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    alternatives.extend(regex.get(start..));
    alternatives
}

#[cfg(test)]
mod tests;
