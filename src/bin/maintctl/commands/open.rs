//! `maintctl open`: opens sites now.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::OpenArgs;
use crate::args::common::Global;
use crate::commands::{answer, change};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &OpenArgs, alias: Option<&str>) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let selection = SiteSelection::new(&args.sites, &args.how, "Open");
    change::run(&target, &selection, &|draft, _, now| edit::open(draft, now), &args.how, |change, now| {
        answer::line(change, now, |after| {
            let next = describe::next_window_text(after, now);
            let site = &change.site;
            let hint = alias
                .map(|alias| format!(" ('{alias}' ends maintenance; to close the site: maintctl close {site})"))
                .unwrap_or_default();
            format!("already ONLINE{hint}{next}")
        })
    })
}
