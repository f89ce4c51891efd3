//! `maintctl schedule`: plans a window, which opens and closes by itself.

use std::process::ExitCode;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::args::ScheduleArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, Answers};
use crate::config::target::Target;
use crate::document::describe;
use crate::document::edit::{self, NewWindow};
use crate::exit::ExitError;
use crate::terminal::times::{self, after};
use crate::write;
use crate::write::change::{ChangeOptions, Edit};
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &ScheduleArgs) -> Result<ExitCode> {
    let now = times::now();
    let from = times::read_echoed("--from", &args.from, &now, times::ahead)?;
    let until = match (&args.until, args.lasting) {
        (Some(text), _) => Some(times::read_echoed("--until", text, &now, |flag, text, now| {
            times::ahead_after(flag, text, from, now)
        })?),
        (None, Some(lasting)) => Some(times::within_reach("--for", after(from, lasting))?),
        (None, None) => None,
    };
    let eta = match &args.eta {
        Some(text) => Some(times::read_echoed("--eta", text, &now, |flag, text, now| {
            times::ahead_or_after(flag, text, from, now)
        })?),
        None => None,
    };
    in_order("--until", from, until, &now)?;
    in_order("--eta", from, eta, &now)?;
    let plan = NewWindow {
        mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
        from,
        until,
        eta,
        reason: args.reason.clone(),
        note: args.note.clone(),
        suspend: args.suspend.clone(),
    };
    let target = Target::load(global)?;
    let edit: &Edit<'_> = &|draft, _, now| edit::schedule(draft, &plan, now);
    let report = write::apply(&target, &SiteSelection::one(args.site.as_ref()), edit, &ChangeOptions::new(&args.how))?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    answer::finish(&report, answers, |outcome, now| {
        let windows = outcome.after.read()?.windows;
        let window = windows.iter().rev().find(|window| window.from == from);
        Ok(window.map_or_else(|| "nothing planned".to_owned(), |window| describe::window_text(window, now)))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// An error for a time that is not after the start.
fn in_order(flag: &str, from: Time, time: Option<Time>, now: &Zoned) -> Result<()> {
    if let Some(time) = time.filter(|time| *time <= from) {
        let (time, from) = (times::full(time, now.time_zone()), times::full(from, now.time_zone()));
        bail!(ExitError::Usage(format!("{flag} is {time}, not after --from, {from}; write a later one")));
    }
    Ok(())
}
