//! `maintctl update`: changes the details of closed sites.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::UpdateArgs;
use crate::args::common::Global;
use crate::commands::details::DetailFlags;
use crate::commands::{answer, change};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::terminal::times;
use crate::write::change::Edit;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &UpdateArgs) -> Result<ExitCode> {
    let flags = DetailFlags::new(&args.details, &times::now())?;
    let target = Target::load(global)?;
    let selection = SiteSelection::new(&args.sites, &args.how, "Update");
    let edit: &Edit<'_> = &|draft, site, now| edit::update(draft, site, &flags.at(now), now);
    change::run(&target, &selection, edit, &args.how, |change, now| {
        answer::line(change, now, |after| describe::already_text(after, now))
    })
}
