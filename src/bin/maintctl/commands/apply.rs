//! `maintctl apply`: writes the edited policy of a file target, without a change of sites.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::ApplyArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, AnswerForm};
use crate::commands::change;
use crate::config::target::{FileTarget, Target};
use crate::terminal::output::shown;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, Edit};
use crate::write::file::contents::Contents;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &ApplyArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let files = target.files("apply")?;
    // Other changes keep the policy that Envoy runs if the edited one is invalid.
    Contents::read(files).compare()?;
    let (selection, keep): (_, &Edit<'_>) = (SiteSelection::none(), &|_, _, _| Ok(()));
    change::confirm_plan(&target, &selection, keep, &args.how, |plan| {
        lines(files, plan).iter().for_each(|line| aside!("{line}"));
        Ok(())
    })?;
    let mut report = write::apply(&target, &selection, keep, &ChangeOptions::new(&args.how))?;
    if !args.how.json {
        for line in lines(files, &report) {
            answer!("{line}");
        }
        report.brought.clear();
    }
    answer::finish(&report, AnswerForm::new(&args.how), |_, _| Ok(String::new()))?;
    Ok(ExitCode::SUCCESS)
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
