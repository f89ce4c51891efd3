//! `maintctl lint`: checks policies, and the Envoy bootstraps and Istio manifests that contain them.
//!
//! - An *error* is something that Envoy rejects, or a protection that does not work.
//! - A *warning* is probably a mistake.
//! - A *note* may be intended. Notes go to stderr and do not change the exit code.

use std::process::ExitCode;

use anyhow::Result;
use envoy_maintenance::time::Time;
use serde_json::Value;

use crate::args::LintArgs;
use crate::config::policy_file::{self, FoundPolicy, Source};
use crate::terminal::output::shown;
use crate::terminal::times;

mod anyone;
mod assets;
mod budget;
mod discovery;
mod envoy;
mod errors;
mod filters;
mod finding;
mod istio;
mod normalization;
mod plugins;
mod redirect;
mod request;
mod routes;
mod rules;
mod secrets;
mod sites;
mod state;
mod subject;

use finding::{Finding, Level};
use subject::{Subject, subject};

/// All checks of a policy by itself.
const CHECKS: [fn(&Subject) -> Vec<Finding>; 11] = [
    budget::expensive_rules,
    rules::anyone_matches,
    rules::paths_outside_the_site,
    sites::overlap,
    state::expired,
    state::unknown_suspensions,
    assets::refused_assets,
    redirect::target,
    secrets::in_query,
    secrets::in_plain_headers,
    secrets::in_plain_cookies,
];

pub fn run(args: &LintArgs) -> Result<ExitCode> {
    let now = times::time(&times::now());
    let mut findings: Vec<(String, Finding)> = Vec::new();
    for file in &args.files {
        match policy_file::read(file) {
            Ok(sources) => findings.extend(check(&file.display().to_string(), &sources, now)),
            // The error starts with the file name, which each finding prints anyway.
            Err(error) => {
                let (name, text) = (file.display().to_string(), format!("{error:#}"));
                let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text).to_owned();
                findings.push((name, Finding::error("", text)));
            }
        }
    }
    print(&findings, args.json)?;
    let fails = findings.iter().any(|(_, finding)| finding.level != Level::Note);
    Ok(ExitCode::from(u8::from(fails)))
}

fn print(findings: &[(String, Finding)], json: bool) -> Result<()> {
    if json {
        answer!("{}", findings.iter().map(|(file, finding)| finding.json(file)).collect::<Value>());
        return Ok(());
    }
    for (file, finding) in findings {
        let line = shown(&finding.line(file));
        match finding.level {
            Level::Note => aside!("note: {line}"),
            level => answer!("{}: {line}", level.name()),
        }
    }
    Ok(())
}

/// Checks all documents of a file. Each finding comes with the name of its document.
fn check(file: &str, sources: &[Source], now: Time) -> Vec<(String, Finding)> {
    let mut all = Vec::new();
    for source in sources {
        let findings = check_source(source, now);
        all.extend(findings.into_iter().map(|finding| (source.name.clone(), finding)));
    }
    if sources.iter().all(|source| source.policies.is_empty()) {
        all.push((file.to_owned(), Finding::warning("", "no policy found; name a file that contains one")));
    }
    all
}

fn check_source(source: &Source, now: Time) -> Vec<Finding> {
    let mut subjects: Vec<(&FoundPolicy, Subject)> = Vec::new();
    let mut findings = Vec::new();
    for found in &source.policies {
        match subject(found, now) {
            Ok(subject) => subjects.push((found, subject)),
            Err(errors) => findings.extend(errors),
        }
    }
    for (found, subject) in &subjects {
        let own = CHECKS.iter().flat_map(|check| check(subject));
        findings.extend(own.map(|finding| Finding { path: found.place(&finding.path), ..finding }));
        findings.extend(envoy::check(&source.tree, found, subject));
        findings.extend(istio::check(&source.tree, found));
    }
    findings.extend(normalization::check(&source.tree, &subjects));
    findings.extend(discovery::ignored_members(&source.tree, &source.policies));
    findings.extend(plugins::same_name(&source.tree, &source.policies));
    findings
}

#[cfg(test)]
mod tests;
