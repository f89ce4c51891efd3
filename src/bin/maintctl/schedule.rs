//! `maintctl schedule`: plans a window, which opens and closes by itself.

use std::process::ExitCode;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::args::{Global, ScheduleArgs};
use crate::change::{self, Edit, Options, Selection};
use crate::close::{after, read};
use crate::edit::{self, Plan};
use crate::exit::End;
use crate::output::{self, Answers};
use crate::target::Target;
use crate::when;

pub fn run(global: &Global, args: &ScheduleArgs) -> Result<ExitCode> {
    let now = when::now();
    let from = read("--from", &args.from, &now, when::ahead)?;
    let until = match (&args.until, args.lasting) {
        (Some(text), _) => {
            Some(read("--until", text, &now, |flag, text, now| when::ahead_after(flag, text, from, now))?)
        }
        (None, Some(lasting)) => Some(when::within_reach("--for", after(from, lasting))?),
        (None, None) => None,
    };
    let eta = match &args.eta {
        Some(text) => Some(read("--eta", text, &now, |flag, text, now| when::ahead_or_after(flag, text, from, now))?),
        None => None,
    };
    in_order("--until", from, until, &now)?;
    in_order("--eta", from, eta, &now)?;
    let plan = Plan {
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
    let report = change::apply(&target, &Selection::one(args.site.as_ref()), edit, &Options::new(&args.how))?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    output::finish(&report, answers, |outcome, now| {
        let windows = outcome.after.read()?.windows;
        let window = windows.iter().rev().find(|window| window.from == from);
        Ok(window.map_or_else(|| "nothing planned".to_owned(), |window| output::window_text(window, now)))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// An error for a time that is not after the start.
fn in_order(flag: &str, from: Time, time: Option<Time>, now: &Zoned) -> Result<()> {
    if let Some(time) = time.filter(|time| *time <= from) {
        let (time, from) = (when::full(time, now.time_zone()), when::full(from, now.time_zone()));
        bail!(End::Usage(format!("{flag} is {time}, not after --from, {from}; write a later one")));
    }
    Ok(())
}
