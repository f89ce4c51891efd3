//! `maintctl open`: opens sites now.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::OpenArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, AnswerForm};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::write;
use crate::write::change::ChangeOptions;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &OpenArgs, alias: Option<&str>) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let options = ChangeOptions::new(&args.how);
    let selection = SiteSelection::new(&args.sites, "Open");
    let report = write::apply(&target, &selection, &|draft, _, now| edit::open(draft, now), &options)?;
    answer::finish(&report, AnswerForm::new(&args.how), |change, now| {
        answer::line(change, now, |after| {
            let next = describe::next_window_text(after, now);
            let site = &change.site;
            let hint = alias
                .map(|alias| format!(" ('{alias}' ends maintenance; to close the site: maintctl close {site})"))
                .unwrap_or_default();
            format!("already ONLINE{hint}{next}")
        })
    })?;
    Ok(ExitCode::SUCCESS)
}
