//! Findings in the Static Analysis Results Interchange Format (SARIF 2.1.0), which code scanners read.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::code;
use super::finding::{Code, Finding};

/// The characters of a path that a URI encodes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The log of one run.
pub fn log(findings: &[Finding]) -> Value {
    let rules: Vec<Value> = code::ALL.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "maintctl", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.name,
        "shortDescription": { "text": format!("{}.", code.summary) },
        "defaultConfiguration": { "level": code.level.name() },
    })
}

fn result(finding: &Finding) -> Value {
    let region = finding.line_and_column().map(|(line, column)| json!({ "startLine": line, "startColumn": column }));
    let logical = (!finding.path.is_empty()).then(|| json!([{ "fullyQualifiedName": finding.path }]));
    let physical = [("artifactLocation", Some(json!({ "uri": uri(&finding.file) }))), ("region", region)];
    let location = [("physicalLocation", Some(object(physical))), ("logicalLocations", logical)];
    json!({
        "ruleId": finding.code.name,
        "level": finding.code.level.name(),
        "message": { "text": finding.message() },
        "locations": [object(location)],
    })
}

/// An object of the members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A file as a URI: relative to the current folder, unless its path is absolute.
fn uri(file: &str) -> String {
    let scheme = if file.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(file, ENCODED))
}

#[cfg(test)]
mod tests;
