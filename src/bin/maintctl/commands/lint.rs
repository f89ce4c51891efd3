//! `maintctl lint`: checks policies, and the Envoy bootstraps and Istio manifests that contain them.
//!
//! - An *error* is something that Envoy rejects, or a protection that does not work.
//! - A *warning* is probably a mistake.
//! - A *note* may be intended, and does not change the exit code.
//!
//! Each finding has a code. The comment `# lint: allow CODE` accepts the findings of that code in its line or, on a line
//! of its own, in the line below.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{LintArgs, LintFormat};
use crate::diagnosis::remark::Severity;
use crate::terminal::times;

mod allow;
mod code;
mod document;
mod envoy;
mod finding;
mod istio;
mod listeners;
mod policy;
mod print;
mod sarif;

use document::{LintedDocument, LintedFile};
use finding::Finding;

pub fn run(args: &LintArgs) -> Result<ExitCode> {
    if args.codes {
        print::codes()?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = times::time(&times::now());
    let files = args.files.iter().map(|file| LintedFile::read(file, now)).collect();
    let findings = check(files);
    let format = if args.json { LintFormat::Json } else { args.format };
    print::findings(&findings, format, args.files.len())?;
    let fails = findings.iter().any(|finding| finding.code.level != Severity::Note);
    Ok(ExitCode::from(u8::from(fails)))
}

/// The findings of all files, which are read or have an error, in the order of the files and their lines.
fn check(files: Vec<Result<LintedFile, Finding>>) -> Vec<Finding> {
    let order: Vec<String> = files
        .iter()
        .map(|file| file.as_ref().map_or_else(|error| error.file.clone(), |file| file.name.clone()))
        .collect();
    let (mut read, mut all) = (Vec::new(), Vec::new());
    for file in files {
        match file {
            Ok(file) => read.push(file),
            Err(error) => all.push(error),
        }
    }
    let mut compared = listeners::check(&read);
    for file in &read {
        let mut findings = check_file(file);
        findings.extend(compared.extract_if(.., |finding| finding.file == file.name));
        all.extend(allow::apply(&file.source_map, &file.name, findings));
    }
    let rank = |finding: &Finding| order.iter().position(|file| *file == finding.file);
    all.sort_by_key(|finding| (rank(finding), finding.location, finding.code.name, finding.path.clone()));
    all.dedup();
    all
}

/// The findings of a file by itself.
fn check_file(file: &LintedFile) -> Vec<Finding> {
    let mut all = Vec::new();
    for document in &file.documents {
        let findings = check_document(document).into_iter();
        all.extend(findings.map(|finding| file.placed(document.number, finding)));
    }
    if file.documents.iter().all(|document| document.source.policies.is_empty()) {
        all.push(file.placed(0, code::NO_POLICY.at("", "no policy found; name a file that contains one")));
    }
    all
}

fn check_document(document: &LintedDocument) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (found, subject) in document.source.policies.iter().zip(&document.subjects) {
        match subject {
            Ok(subject) => {
                let in_document = |finding: Finding| Finding { path: found.place(&finding.path), ..finding };
                findings.extend(policy::check(subject).into_iter().map(in_document));
            }
            Err(errors) => findings.extend(errors.iter().cloned()),
        }
    }
    findings.extend(envoy::check(document));
    findings.extend(istio::check(document));
    findings
}

#[cfg(test)]
mod tests;
