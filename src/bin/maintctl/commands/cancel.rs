//! `maintctl cancel`: takes windows out again.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::CancelArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, Answers};
use crate::config::target::Target;
use crate::document::{describe, edit};
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write;
use crate::write::change::{ChangeOptions, Edit};
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &CancelArgs) -> Result<ExitCode> {
    if args.windows.is_empty() && !args.all {
        let text = "which window? maintctl cancel SITE WINDOW…, or --all; `maintctl status` names them";
        bail!(ExitError::Usage(text.to_owned()));
    }
    let target = Target::load(global)?;
    let named = (!args.all).then_some(args.windows.as_slice());
    let edit: &Edit<'_> = &|draft, site, now| edit::cancel(draft, site, named, now);
    let report = write::apply(&target, &SiteSelection::one(args.site.as_ref()), edit, &ChangeOptions::new(&args.how))?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    answer::finish(&report, answers, |outcome, now| {
        let (before, after) = (outcome.before.read()?, outcome.after.read()?);
        let gone: Vec<String> = before
            .windows
            .iter()
            .filter(|window| after.windows.iter().all(|left| left.id != window.id))
            .map(|window| describe::window_text(window, now))
            .collect();
        let state = describe::label(after.at(times::time(now)).mode());
        Ok(match gone.is_empty() {
            true => format!("no window to cancel; {state}"),
            false => format!("cancelled {}; {state}", gone.join(", ")),
        })
    })?;
    Ok(ExitCode::SUCCESS)
}
