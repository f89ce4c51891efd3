//! `maintctl close`: closes sites, or changes how they are closed.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::{Time, parse_duration};
use jiff::Zoned;

use crate::args::{CloseArgs, Global};
use crate::change::{self, Options, Outcome, Selection};
use crate::output::{self, Answers};
use crate::target::Target;
use crate::{command, edit, when};

pub fn run(global: &Global, args: &CloseArgs, alias: Option<&str>) -> Result<ExitCode> {
    let now = when::now();
    let flags = flags(args, &now)?;
    let target = Target::load(global)?;
    let options = Options::new(&args.how);
    let selection = Selection::new(&args.sites, "Close");
    if !args.command.is_empty() {
        return command::run(&target, &selection, &flags, args, &options);
    }
    let report =
        change::apply(&target, &selection, &|draft, _, now| edit::close(draft, &flags.at(now), now), &options)?;
    let answers = if args.how.json { Answers::Json } else { Answers::Lines };
    output::finish(&report, answers, |outcome, now| line(outcome, now, alias))?;
    Ok(ExitCode::SUCCESS)
}

/// The answer for one site.
pub fn line(outcome: &Outcome, now: &Zoned, alias: Option<&str>) -> Result<String> {
    let hint =
        alias.map(|alias| format!(" ('{alias}' starts maintenance; to open the site: maintctl open {})", outcome.site));
    output::line(outcome, now, |after| format!("{}{}", output::already_text(after, now), hint.unwrap_or_default()))
}

/// What takes away what a flag would say.
const NONE: &str = "none";

/// What the flags say.
pub struct Flags {
    pub said: edit::Close,
    /// The end and the promise, where they count from when the site closes.
    lasting: Option<Duration>,
    promised: Option<Duration>,
}

impl Flags {
    /// What they say of a site that closes now: a question may have come before.
    pub fn at(&self, now: Time) -> edit::Close {
        let from_now = |lasting: Option<Duration>| lasting.map(|lasting| after(now, lasting));
        let (until, eta) = (from_now(self.lasting), from_now(self.promised));
        edit::Close { until: until.or(self.said.until), eta: eta.or(self.said.eta), ..self.said.clone() }
    }
}

fn flags(args: &CloseArgs, now: &Zoned) -> Result<Flags> {
    let start = when::time(now);
    for (flag, lasting) in [("--for", args.lasting), ("--lease", args.lease)] {
        lasting.map(|lasting| when::within_reach(flag, after(start, lasting))).transpose()?;
    }
    let mut cleared = Vec::new();
    let mut given = |name: &'static str, text: &Option<String>| match text.as_deref() {
        Some(NONE) => {
            cleared.push(name);
            None
        }
        _ => text.clone(),
    };
    let (until, eta) = (given("until", &args.until), given("eta", &args.eta));
    let until = match &until {
        Some(text) => Some(read("--until", text, now, when::ahead)?),
        None => None,
    };
    let promised = eta.as_deref().and_then(parse_duration).map(Duration::from_millis);
    let eta = match &eta {
        Some(text) => Some(read("--eta", text, now, |flag, text, now| when::ahead_or_after(flag, text, start, now))?),
        None => None,
    };
    let mut suspend = args.suspend.clone();
    if suspend == [NONE] {
        suspend.clear();
        cleared.push("suspend");
    }
    let said = edit::Close {
        mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
        until,
        eta,
        reason: args.reason.clone(),
        note: args.note.clone(),
        suspend,
        cleared,
    };
    Ok(Flags { said, lasting: args.lasting.or(args.lease), promised })
}

/// Reads a time, and echoes what `HH:MM` was taken for.
pub fn read(flag: &str, text: &str, now: &Zoned, reader: impl Fn(&str, &str, &Zoned) -> Result<Time>) -> Result<Time> {
    let time = reader(flag, text, now)?;
    if text.contains(':')
        && let Some(echo) = when::echo(flag, text, time, now)
    {
        aside!("{echo}");
    }
    Ok(time)
}

/// `start` and `lasting` more.
pub fn after(start: Time, lasting: Duration) -> Time {
    Time(start.0.saturating_add(i64::try_from(lasting.as_millis()).unwrap_or(i64::MAX)))
}
