//! `maintctl cancel`: removes windows.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::CancelArgs;
use crate::args::common::Global;
use crate::commands::change;
use crate::config::target::Target;
use crate::document::{describe, window};
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write::change::Edit;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &CancelArgs) -> Result<ExitCode> {
    if args.windows.is_empty() && !args.all {
        let text = "no window given: maintctl cancel SITE WINDOW…, or --all; `maintctl status` lists the windows";
        bail!(ExitError::Usage(text.to_owned()));
    }
    let target = Target::load(global)?;
    let named = (!args.all).then_some(args.windows.as_slice());
    let edit: &Edit<'_> = &|draft, site, now| window::cancel(draft, site, named, now);
    let selection = SiteSelection::one(args.site.as_ref());
    change::run(&target, &selection, edit, &args.how, |change, now| {
        let (before, after) = (change.before.read()?, change.after.read()?);
        let is_gone = |id: &str| after.windows.iter().all(|window| window.id != id);
        let cancelled = before.windows.iter().filter(|window| is_gone(&window.id));
        let cancelled: Vec<String> = cancelled.map(|window| describe::window_text(window, now)).collect();
        let label = describe::label(after.at(times::time(now)).mode());
        if cancelled.is_empty() {
            return Ok(format!("no windows to cancel; {label}"));
        }
        Ok(format!("cancelled {}; {label}", cancelled.join(", ")))
    })
}
