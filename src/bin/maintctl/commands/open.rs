//! `maintctl open`: opens sites now.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Zoned;

use crate::args::OpenArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, AnswerForm};
use crate::commands::{change, program};
use crate::config::target::Target;
use crate::document::edit;
use crate::write;
use crate::write::change::{ChangeOptions, Edit, SiteChange};
use crate::write::selection::SiteSelection;

mod command;
mod holds;
mod site_answer;

use site_answer::line;

pub fn run(global: &Global, args: &OpenArgs, alias: Option<&str>) -> Result<ExitCode> {
    if !args.command.is_empty() {
        program::check(&args.command)?;
    }
    let target = Target::load(global)?;
    let selection = SiteSelection::new(&args.sites, &args.how, "Open");
    if !args.command.is_empty() {
        return command::run(&target, &selection, args);
    }
    let edit: &Edit<'_> = &|draft, _, now| edit::open(draft, now);
    let line = |change: &SiteChange, now: &Zoned| line(change, now, alias);
    change::confirm(&target, &selection, edit, &args.how, line)?;
    let selection = holds::confirm(&target, &selection, edit, &args.how)?;
    let report = write::apply(&target, &selection, edit, &ChangeOptions::new(&args.how))?;
    let opened = answer::finish(&report, AnswerForm::new(&args.how), line);
    if args.how.json {
        holds::print_overridden(&report)?;
    }
    opened.map(|()| ExitCode::SUCCESS)
}
