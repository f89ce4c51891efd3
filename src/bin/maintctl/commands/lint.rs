//! `maintctl lint`: finds mistakes in policies, and in what stands around them, before Envoy does.
//!
//! An *error* is what Envoy would refuse, or what does not protect as it seems to; a *warning* is probably not what is
//! meant; both make the exit 1. A *note* is worth knowing and may well be meant: it goes to stderr, and the exit stays 0.

use std::process::ExitCode;

use anyhow::Result;
use envoy_maintenance::time::Time;
use serde_json::Value;

use crate::args::LintArgs;
use crate::config::policy_file::{self, FoundPolicy, Source};
use crate::terminal::output::shown;
use crate::terminal::times;

mod budget;
mod cover;
mod envoy;
mod finding;
mod istio;
mod normalization;
mod page;
mod redirect;
mod rules;
mod secrets;
mod sites;
mod state;
mod stranger;
mod subject;

use finding::{Finding, Level};
use subject::{Subject, subject};

/// What a check of a policy looks like; every one that there is.
const CHECKS: [fn(&Subject) -> Vec<Finding>; 12] = [
    budget::is_short,
    rules::lets_everyone_through,
    rules::is_never_reached,
    rules::matches_no_path_of_its_site,
    sites::overlap,
    state::is_over,
    state::suspends_nothing,
    page::needs_what_the_policy_blocks,
    redirect::target,
    secrets::in_the_query,
    secrets::in_plain_headers,
    secrets::in_plain_cookies,
];

pub fn run(args: &LintArgs) -> Result<ExitCode> {
    let now = times::time(&times::now());
    let mut found: Vec<(String, Finding)> = Vec::new();
    for file in &args.files {
        match policy_file::read(file) {
            Ok(sources) => found.extend(check(&file.display().to_string(), &sources, now)),
            // The error begins with the file's name, as a finding does.
            Err(error) => {
                let (name, text) = (file.display().to_string(), format!("{error:#}"));
                let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text).to_owned();
                found.push((name, Finding::error("", text)));
            }
        }
    }
    if args.json {
        answer!("{}", found.iter().map(|(file, finding)| finding.json(file)).collect::<Value>());
    } else {
        for (file, finding) in &found {
            let line = shown(&finding.line(file));
            match finding.level {
                Level::Note => aside!("note: {line}"),
                level => answer!("{}: {line}", level.name()),
            }
        }
    }
    let counts = found.iter().any(|(_, finding)| finding.level != Level::Note);
    Ok(ExitCode::from(u8::from(counts)))
}

fn check(file: &str, sources: &[Source], now: Time) -> Vec<(String, Finding)> {
    let mut all = Vec::new();
    for source in sources {
        let mut subjects: Vec<(&FoundPolicy, Subject)> = Vec::new();
        let mut findings = Vec::new();
        for found in &source.policies {
            match subject(found, now) {
                Ok(subject) => subjects.push((found, subject)),
                Err(finding) => findings.push(finding),
            }
        }
        for (found, subject) in &subjects {
            let here = CHECKS.iter().flat_map(|check| check(subject));
            findings.extend(here.map(|finding| Finding { path: found.place(&finding.path), ..finding }));
            findings.extend(envoy::check(&source.tree, found, subject));
            findings.extend(istio::check(&source.tree, found));
        }
        findings.extend(normalization::check(&source.tree, &subjects));
        findings.extend(envoy::beside_resources(&source.tree, &source.policies));
        findings.extend(envoy::share_a_name(&source.tree, &source.policies));
        all.extend(findings.into_iter().map(|finding| (source.name.clone(), finding)));
    }
    if sources.iter().all(|source| source.policies.is_empty()) {
        all.push((file.to_owned(), Finding::warning("", "no policy found; name a file that holds one")));
    }
    all
}

#[cfg(test)]
mod tests;
