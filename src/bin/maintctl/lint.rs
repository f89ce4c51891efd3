//! `maintctl lint`: finds mistakes in policies, and in what stands around them, before Envoy does.
//!
//! An *error* is what Envoy would refuse, or what does not protect as it seems to; a *warning* is probably not what is
//! meant; both make the exit 1. A *note* is worth knowing and may well be meant: it goes to stderr, and the exit stays 0.

use std::process::ExitCode;

use anyhow::Result;
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::{PluginConfig, RuleConfig};
use envoy_maintenance::policy::Policy;
use envoy_maintenance::time::Time;
use serde_json::{Value, json};

use crate::args::LintArgs;
use crate::policy_file::{self, Found, Source};
use crate::say::shown;
use crate::when;

mod budget;
mod cover;
mod envoy;
mod istio;
mod normalization;
mod page;
mod redirect;
mod rules;
mod secrets;
mod sites;
mod state;
mod stranger;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// What is wrong, where, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    level: Level,
    /// The key path.
    path: String,
    text: String,
}

impl Finding {
    fn error(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Error, path: path.into(), text: text.into() }
    }

    fn warning(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, path: path.into(), text: text.into() }
    }

    fn note(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { level: Level::Note, path: path.into(), text: text.into() }
    }

    fn line(&self, file: &str) -> String {
        let colon = if self.path.is_empty() { "" } else { ": " };
        format!("{file}: {}{colon}{}", self.path, self.text)
    }
}

/// A policy that the filter would take, as written and as compiled.
struct Subject {
    config: PluginConfig,
    policy: Policy,
    now: Time,
}

/// The three lists of rules, by the name that they have in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Exempt,
    AlwaysClosed,
    HealthChecks,
}

impl List {
    /// In the order in which they are asked.
    const ALL: [List; 3] = [List::AlwaysClosed, List::HealthChecks, List::Exempt];

    fn name(self) -> &'static str {
        match self {
            List::Exempt => "exempt",
            List::AlwaysClosed => "always_closed",
            List::HealthChecks => "health_checks",
        }
    }
}

/// A rule as written, and where.
struct Written<'c> {
    path: String,
    list: List,
    /// The position of its site; none: for every site.
    site: Option<usize>,
    rule: &'c RuleConfig,
}

impl Subject {
    /// Every rule as written, in the order in which they are asked: list by list, those for every site first.
    fn rules(&self) -> Vec<Written<'_>> {
        let mut all = Vec::new();
        for list in List::ALL {
            let wide = match list {
                List::Exempt => &self.config.exempt,
                List::AlwaysClosed => &self.config.always_closed,
                List::HealthChecks => &self.config.health_checks,
            };
            let mut add = |prefix: &str, site: Option<usize>, rules| {
                let written =
                    |(index, rule)| Written { path: format!("{prefix}{}[{index}]", list.name()), list, site, rule };
                all.extend(<[RuleConfig]>::iter(rules).enumerate().map(written));
            };
            add("", None, wide);
            for (position, site) in self.config.sites.iter().flatten().enumerate() {
                let rules = match list {
                    List::Exempt => &site.exempt,
                    List::AlwaysClosed => &site.always_closed,
                    List::HealthChecks => &site.health_checks,
                };
                add(&format!("sites[{position}]."), Some(position), rules);
            }
        }
        all
    }
}

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
    let now = when::time(&when::now());
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
        answer!("{}", found.iter().map(|(file, finding)| to_json(file, finding)).collect::<Value>());
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

fn to_json(file: &str, finding: &Finding) -> Value {
    json!({ "file": file, "path": finding.path, "level": finding.level.name(), "text": finding.text })
}

fn check(file: &str, sources: &[Source], now: Time) -> Vec<(String, Finding)> {
    let mut all = Vec::new();
    for source in sources {
        let mut subjects: Vec<(&Found, Subject)> = Vec::new();
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

/// The policy, or the filter's own refusal of it.
fn subject(found: &Found, now: Time) -> Result<Subject, Finding> {
    let read = || {
        let tree = found.policy.as_ref().map_err(Clone::clone)?;
        Ok((PluginConfig::read(tree)?, CompiledConfig::from_tree(tree)?.policy))
    };
    match read() {
        Ok((config, policy)) => Ok(Subject { config, policy, now }),
        Err(error) => {
            let error: envoy_maintenance::tree::PathError = error;
            Err(Finding::error(found.place(&error.path), error.problem))
        }
    }
}

#[cfg(test)]
mod around_tests;
#[cfg(test)]
mod reached_tests;
#[cfg(test)]
mod redirect_tests;
#[cfg(test)]
mod tests;
