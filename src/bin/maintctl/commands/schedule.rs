//! `maintctl schedule`: plans a window.

use std::process::ExitCode;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::args::ScheduleArgs;
use crate::args::common::Global;
use crate::commands::change;
use crate::config::target::Target;
use crate::document::describe;
use crate::document::window::{self, NewWindow};
use crate::exit::ExitError;
use crate::terminal::times::{self, after};
use crate::write::change::Edit;
use crate::write::selection::SiteSelection;

pub fn run(global: &Global, args: &ScheduleArgs) -> Result<ExitCode> {
    let new_window = new_window(args, &times::now())?;
    let target = Target::load(global)?;
    let edit: &Edit<'_> = &|draft, _, now| window::schedule(draft, &new_window, now);
    let selection = SiteSelection::one(args.site.as_ref());
    change::run(&target, &selection, edit, &args.how, |change, now| {
        let windows = change.after.read()?.windows;
        let planned = windows.iter().rev().find(|planned| planned.from == new_window.from);
        Ok(planned.map_or_else(|| "nothing planned".to_owned(), |planned| describe::window_text(planned, now)))
    })
}

/// The window that the flags describe.
fn new_window(args: &ScheduleArgs, now: &Zoned) -> Result<NewWindow> {
    let from = times::read_echoed("--from", &args.from, now, times::future)?;
    let read_until = |flag: &str, text: &str, now: &Zoned| times::future_after(flag, text, from, now);
    let read_eta = |flag: &str, text: &str, now: &Zoned| times::future_or_duration(flag, text, from, now);
    let until = match (&args.until, args.lasting) {
        (Some(text), _) => Some(times::read_echoed("--until", text, now, read_until)?),
        (None, Some(lasting)) => Some(times::within_range("--for", after(from, lasting))?),
        (None, None) => None,
    };
    let eta = args.eta.as_ref().map(|text| times::read_echoed("--eta", text, now, read_eta)).transpose()?;
    require_after("--until", from, until, now)?;
    require_after("--eta", from, eta, now)?;
    Ok(NewWindow {
        mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
        from,
        until,
        eta,
        reason: args.reason.clone(),
        note: args.note.clone(),
        suspend: args.suspend.clone(),
    })
}

/// Fails if a time is not after the start.
fn require_after(flag: &str, from: Time, time: Option<Time>, now: &Zoned) -> Result<()> {
    if let Some(time) = time.filter(|time| *time <= from) {
        let (time, from) = (times::full(time, now.time_zone()), times::full(from, now.time_zone()));
        bail!(ExitError::Usage(format!("{flag}: {time} is not after --from, {from}")));
    }
    Ok(())
}
