//! `maintctl close`: closes sites, or changes how they are closed.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::CloseArgs;
use crate::args::common::Global;
use crate::commands::{change, program};
use crate::config::target::Target;
use crate::document::edit;
use crate::terminal::times;
use crate::write::change::Edit;
use crate::write::selection::SiteSelection;

mod command;
mod flags;
mod guard;
mod job;

mod site_answer;

use flags::CloseFlags;
use site_answer::line;

pub fn run(global: &Global, args: &CloseArgs, alias: Option<&str>) -> Result<ExitCode> {
    let flags = CloseFlags::new(args, &times::now())?;
    if !args.command.is_empty() {
        program::check(&args.command)?;
    }
    let target = Target::load(global)?;
    let selection = SiteSelection::new(&args.sites, &args.how, "Close");
    if !args.command.is_empty() {
        return command::run(&target, &selection, &flags, args);
    }
    let edit: &Edit<'_> = &|draft, _, now| edit::close(draft, flags.mode, &flags.details.at(now), now);
    change::run(&target, &selection, edit, &args.how, |change, now| line(change, now, alias))
}
