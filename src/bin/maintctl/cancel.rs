//! `maintctl cancel`: takes windows out again.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::{CancelArgs, Global};
use crate::change::{self, Edit, Options, Selection};
use crate::exit::End;
use crate::output::{self, Answers};
use crate::target::Target;
use crate::{edit, when};

pub fn run(global: &Global, args: &CancelArgs) -> Result<ExitCode> {
    if args.windows.is_empty() && !args.all {
        let text = "which window? maintctl cancel SITE WINDOW…, or --all; `maintctl status` names them";
        bail!(End::Usage(text.to_owned()));
    }
    let target = Target::load(global)?;
    let named = (!args.all).then_some(args.windows.as_slice());
    let edit: &Edit<'_> = &|draft, site, now| edit::cancel(draft, site, named, now);
    let report = change::apply(&target, &Selection::one(args.site.as_ref()), edit, &Options::new(&args.how))?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    output::finish(&report, answers, |outcome, now| {
        let (before, after) = (outcome.before.read()?, outcome.after.read()?);
        let gone: Vec<String> = before
            .windows
            .iter()
            .filter(|window| after.windows.iter().all(|left| left.id != window.id))
            .map(|window| output::window_text(window, now))
            .collect();
        let state = output::label(after.at(when::time(now)).mode());
        Ok(match gone.is_empty() {
            true => format!("no window to cancel; {state}"),
            false => format!("cancelled {}; {state}", gone.join(", ")),
        })
    })?;
    Ok(ExitCode::SUCCESS)
}
