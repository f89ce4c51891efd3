//! Comments that accept a finding: `# lint: allow CODE`, at the end of the finding's line or on a line above it.

use envoy_maintenance::tree::fields::did_you_mean;

use super::code;
use super::finding::Finding;
use crate::config::source_map::{Comment, Location, SourceMap};

/// A comment that accepts findings of one code.
struct Allow<'m> {
    code: &'m str,
    comment: &'m Comment,
    /// The line whose findings the comment accepts.
    line: usize,
}

/// Removes the findings of a file that its comments accept, and adds a note for each comment that accepts none.
pub fn apply(source_map: &SourceMap, file: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let allows = allows(&source_map.comments);
    let mut used = vec![false; allows.len()];
    let mut kept = Vec::new();
    for finding in findings {
        let accepting = allows.iter().zip(&mut used).filter(|(allow, _)| allow.accepts(&finding));
        if accepting.map(|(_, used)| *used = true).count() == 0 {
            kept.push(finding);
        }
    }
    let unused = allows.iter().zip(used).filter(|(_, used)| !used);
    kept.extend(unused.map(|(allow, _)| Finding { file: file.to_owned(), ..allow.unused() }));
    kept
}

impl Allow<'_> {
    fn accepts(&self, finding: &Finding) -> bool {
        let is_here = |at: Location| at.position.line == self.line || at.text_line == Some(self.line);
        self.code == finding.code.name && finding.location.is_some_and(is_here)
    }

    /// The note on a comment that accepts nothing.
    fn unused(&self) -> Finding {
        let text = if code::ALL.iter().any(|code| code.name == self.code) {
            format!("line {} has no finding {}; remove the comment", self.line, self.code)
        } else {
            let near = did_you_mean(self.code, code::ALL.iter().map(|code| code.name));
            let near = if near.is_empty() { "; `maintctl lint --codes` lists the codes".to_owned() } else { near };
            format!("unknown code \"{}\"{near}", self.code)
        };
        let location = Some(Location { position: self.comment.position, text_line: None });
        Finding { location, ..code::ALLOW_UNUSED.at("", text) }
    }
}

fn allows(comments: &[Comment]) -> Vec<Allow<'_>> {
    let mut allows = Vec::new();
    for (index, comment) in comments.iter().enumerate() {
        let Some(rest) = comment.text.trim_start().strip_prefix("lint: allow ") else { continue };
        let code = rest.split_whitespace().next().unwrap_or_default();
        // Several comments above one line belong to that line.
        let mut line = comment.position.line;
        if comment.has_own_line {
            let below = comments.iter().skip(index + 1).filter(|other| other.has_own_line);
            line = below.fold(line + 1, |line, other| if other.position.line == line { line + 1 } else { line });
        }
        allows.push(Allow { code, comment, line });
    }
    allows
}

#[cfg(test)]
mod tests;
