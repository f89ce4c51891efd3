//! The steps of a change: a question with `--interactive`, the change, and the answer.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Zoned;

use crate::args::common::ChangeArgs;
use crate::commands::answer::{self, AnswerForm};
use crate::config::target::Target;
use crate::terminal::question;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, Edit, SiteChange};
use crate::write::selection::SiteSelection;

/// Makes a change, and prints the answer. `line` is the text for one site.
pub fn run(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    how: &ChangeArgs,
    line: impl Fn(&SiteChange, &Zoned) -> Result<String>,
) -> Result<ExitCode> {
    confirm(target, selection, edit, how, &line)?;
    let report = write::apply(target, selection, edit, &ChangeOptions::new(how))?;
    answer::finish(&report, AnswerForm::new(how), line)?;
    Ok(ExitCode::SUCCESS)
}

/// With `--interactive`, prints what would change, and fails unless the operator confirms. A change of nothing needs no
/// confirmation.
pub fn confirm(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    how: &ChangeArgs,
    line: impl Fn(&SiteChange, &Zoned) -> Result<String>,
) -> Result<()> {
    confirm_plan(target, selection, edit, how, |plan| answer::print_plan(plan, line))
}

/// Like [`confirm`]; `print` prints what would change.
pub fn confirm_plan(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    how: &ChangeArgs,
    print: impl FnOnce(&ChangeReport) -> Result<()>,
) -> Result<()> {
    if !how.interactive {
        return Ok(());
    }
    question::require_terminal("--interactive asks for confirmation", "omit it, or see the change with --dry-run")?;
    let options = ChangeOptions { dry_run: true, ..ChangeOptions::new(how) };
    let plan = write::apply(target, selection, edit, &options)?;
    if plan.brought.is_empty() && plan.sites.iter().all(|change| !change.changed) {
        return Ok(());
    }
    print(&plan)?;
    question::confirm("Make this change?")
}
