//! Findings as text and JSON, and the list of all codes.

use anyhow::Result;
use serde_json::{Value, json};

use super::finding::{Code, Finding};
use super::{code, sarif};
use crate::args::LintFormat;
use crate::diagnosis::remark::Severity;
use crate::terminal::output::{counted, script, shown};
use crate::terminal::table::table;

/// Prints all findings.
pub fn findings(findings: &[Finding], format: LintFormat, files: usize) -> Result<()> {
    match format {
        LintFormat::Json => answer!("{}", findings.iter().map(json).collect::<Value>()),
        LintFormat::Sarif => answer!("{:#}", sarif::log(findings)),
        LintFormat::Text => {
            for finding in findings {
                answer!("{}", shown(&line(finding)));
            }
            if !findings.is_empty() {
                aside!("{}", summary(findings, files));
            }
        }
    }
    Ok(())
}

/// Prints the table of all codes.
pub fn codes() -> Result<()> {
    let row =
        |code: &&'static Code| [code.name, code.level.name(), code.summary].map(|cell| cell.to_owned().into()).into();
    script(&format!("{}\n", table(&["CODE", "LEVEL", "MEANING"], &code::ALL.iter().map(row).collect::<Vec<_>>())))?;
    Ok(())
}

/// A finding as one line: file, line, column, level, key path, text and code.
pub fn line(finding: &Finding) -> String {
    let place = finding.line_and_column().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let Finding { code, file, .. } = finding;
    format!("{file}{place}: {}: {} [{}]", code.level.name(), finding.message(), code.name)
}

fn json(finding: &Finding) -> Value {
    let (line, column) = finding.line_and_column().unzip();
    let Finding { code, file, path, text, .. } = finding;
    json!({
        "file": file, "line": line, "column": column, "level": code.level.name(), "code": code.name, "path": path,
        "text": text,
    })
}

fn summary(findings: &[Finding], files: usize) -> String {
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|level| {
        let number = findings.iter().filter(|finding| finding.code.level == level).count();
        counted(number, level.name())
    });
    format!("{} in {}", counts.join(", "), counted(files, "file"))
}
