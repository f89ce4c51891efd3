//! `maintctl apply`: writes the edited policy of a file target, without a change of sites.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::ApplyArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, AnswerForm};
use crate::config::target::{FileTarget, Target};
use crate::terminal::output::shown;
use crate::terminal::question;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, Edit};
use crate::write::file::contents::Contents;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &ApplyArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let files = target.files("apply")?;
    // Other changes keep the policy that Envoy runs if the edited one is invalid.
    Contents::read(files).compare()?;
    let options = ChangeOptions::new(&args.how);
    if args.how.interactive {
        question::require_terminal("--interactive asks for confirmation", "omit it, or see the change with --dry-run")?;
        let plan = apply(&target, &ChangeOptions { dry_run: true, ..options.clone() })?;
        lines(files, &plan).iter().for_each(|line| aside!("{line}"));
        if plan.brought.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        question::confirm("Make this change?")?;
    }
    let mut report = apply(&target, &options)?;
    if !args.how.json {
        for line in lines(files, &report) {
            answer!("{line}");
        }
        report.brought.clear();
    }
    answer::finish(&report, AnswerForm::new(&args.how), |_, _| Ok(String::new()))?;
    Ok(ExitCode::SUCCESS)
}

/// Brings in the edited policy. No document changes.
fn apply(target: &Target, options: &ChangeOptions) -> Result<ChangeReport> {
    let keep: &Edit<'_> = &|_, _, _| Ok(());
    write::apply(target, &SiteSelection::none(), keep, options)
}

/// One line for each change that the policy brings.
fn lines(files: &FileTarget, report: &ChangeReport) -> Vec<String> {
    let file = files.file.display();
    let begin = if report.dry_run { "dry run: " } else { "" };
    if report.brought.is_empty() {
        return vec![format!("{begin}no changes: {file} contains {}", files.policy.display())];
    }
    report.brought.iter().map(|change| format!("{begin}{file}: {}", shown(change))).collect()
}
