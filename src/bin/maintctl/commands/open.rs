//! `maintctl open`: ends what closes sites now.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::OpenArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, Answers};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::terminal::times;
use crate::write;
use crate::write::change::ChangeOptions;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &OpenArgs, alias: Option<&str>) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let options = ChangeOptions::new(&args.how);
    let selection = SiteSelection::new(&args.sites, "Open");
    let report = write::apply(&target, &selection, &|draft, _, now| edit::open(draft, now), &options)?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    answer::finish(&report, answers, |outcome, now| {
        answer::line(outcome, now, |after| {
            let next = describe::next_window(after, times::time(now));
            let next = next.map(|window| format!("; next: {}", describe::window_text(window, now))).unwrap_or_default();
            let hint = alias.map(|alias| {
                let site = &outcome.site;
                format!(" ('{alias}' ends maintenance; to close the site: maintctl close {site})")
            });
            format!("already ONLINE{}{next}", hint.unwrap_or_default())
        })
    })?;
    Ok(ExitCode::SUCCESS)
}
