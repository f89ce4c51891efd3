//! `maintctl close`: closes sites, or changes how they are closed.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::CloseArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, Answers};
use crate::config::target::Target;
use crate::document::edit;
use crate::terminal::times;
use crate::write;
use crate::write::change::ChangeOptions;
use crate::write::selection::SiteSelection;

mod command;
mod flags;

use flags::{flags, line};

pub fn run(global: &Global, args: &CloseArgs, alias: Option<&str>) -> Result<ExitCode> {
    let now = times::now();
    let flags = flags(args, &now)?;
    let target = Target::load(global)?;
    let options = ChangeOptions::new(&args.how);
    let selection = SiteSelection::new(&args.sites, "Close");
    if !args.command.is_empty() {
        return command::run(&target, &selection, &flags, args, &options);
    }
    let report = write::apply(&target, &selection, &|draft, _, now| edit::close(draft, &flags.at(now), now), &options)?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    answer::finish(&report, answers, |outcome, now| line(outcome, now, alias))?;
    Ok(ExitCode::SUCCESS)
}
