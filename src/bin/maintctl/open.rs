//! `maintctl open`: ends what closes sites now.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{Global, OpenArgs};
use crate::change::{self, Options, Selection};
use crate::output::{self, Answers};
use crate::target::Target;
use crate::{edit, when};

pub fn run(global: &Global, args: &OpenArgs, alias: Option<&str>) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let options = Options::new(&args.how);
    let selection = Selection::new(&args.sites, "Open");
    let report = change::apply(&target, &selection, &|draft, _, now| edit::open(draft, now), &options)?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    output::finish(&report, answers, |outcome, now| {
        output::line(outcome, now, |after| {
            let next = output::next_window(after, when::time(now));
            let next = next.map(|window| format!("; next: {}", output::window_text(window, now))).unwrap_or_default();
            let hint = alias.map(|alias| {
                let site = &outcome.site;
                format!(" ('{alias}' ends maintenance; to close the site: maintctl close {site})")
            });
            format!("already ONLINE{}{next}", hint.unwrap_or_default())
        })
    })?;
    Ok(ExitCode::SUCCESS)
}
