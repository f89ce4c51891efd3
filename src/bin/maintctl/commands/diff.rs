//! `maintctl diff`: shows what the next change of a file target brings along from the edited policy.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::args::DiffArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::terminal::output::{self, shown};
use crate::write::file::changes;
use crate::write::file::contents::Contents;

pub fn run(global: &Global, args: &DiffArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let files = target.files("diff")?;
    let (file, policy) = (files.file.display().to_string(), files.policy.display().to_string());
    let (watched, edited) = Contents::read(files).compare()?;
    let Some(watched) = watched else {
        answer!("{}", created(&file, &policy, args.json));
        return Ok(ExitCode::SUCCESS);
    };
    let brought: Vec<String> = changes::between(&watched, &edited).iter().map(ToString::to_string).collect();
    let (old, new) =
        (yaml(&changes::policy(&watched.file, &watched.entries))?, yaml(&changes::edited_policy(&edited))?);
    let diff = TextDiff::from_lines(&old, &new).unified_diff().header(&shown(&file), &shown(&policy)).to_string();
    if args.json {
        answer!("{}", json!({ "file": file, "policy": policy, "brought": brought, "diff": diff }));
    } else if brought.is_empty() {
        answer!("no changes: {file} contains {policy}");
    } else {
        for change in &brought {
            answer!("{}", shown(change));
        }
        output::out(format_args!("\n{diff}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer if the file that Envoy watches does not exist.
fn created(file: &str, policy: &str, json: bool) -> String {
    let text = format!("{file} does not exist; the next change creates it from {policy}");
    if json { json!({ "file": file, "policy": policy, "brought": [text], "diff": null }).to_string() } else { text }
}

/// A policy as YAML.
fn yaml(policy: &Value) -> Result<String> {
    Ok(serde_saphyr::to_string(policy)?)
}
