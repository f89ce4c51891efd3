//! The flags of `close`, as the change that they ask for.

use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::{Time, parse_duration};
use jiff::Zoned;

use crate::args::CloseArgs;
use crate::commands::answer;
use crate::document::{describe, edit};
use crate::terminal::times::{self, after};
use crate::write::change::SiteChange;

/// What takes away what a flag would say.
const NONE: &str = "none";

/// What the flags say.
pub struct CloseFlags {
    pub said: edit::CloseEdit,
    /// The end and the promise, where they count from when the site closes.
    lasting: Option<Duration>,
    promised: Option<Duration>,
}

impl CloseFlags {
    /// What they say of a site that closes now: a question may have come before.
    pub fn at(&self, now: Time) -> edit::CloseEdit {
        let from_now = |lasting: Option<Duration>| lasting.map(|lasting| after(now, lasting));
        let (until, eta) = (from_now(self.lasting), from_now(self.promised));
        edit::CloseEdit { until: until.or(self.said.until), eta: eta.or(self.said.eta), ..self.said.clone() }
    }
}

pub fn flags(args: &CloseArgs, now: &Zoned) -> Result<CloseFlags> {
    let start = times::time(now);
    for (flag, lasting) in [("--for", args.lasting), ("--lease", args.lease)] {
        lasting.map(|lasting| times::within_reach(flag, after(start, lasting))).transpose()?;
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
        Some(text) => Some(times::read_echoed("--until", text, now, times::ahead)?),
        None => None,
    };
    let promised = eta.as_deref().and_then(parse_duration).map(Duration::from_millis);
    let eta = match &eta {
        Some(text) => Some(times::read_echoed("--eta", text, now, |flag, text, now| {
            times::ahead_or_after(flag, text, start, now)
        })?),
        None => None,
    };
    let mut suspend = args.suspend.clone();
    if suspend == [NONE] {
        suspend.clear();
        cleared.push("suspend");
    }
    let said = edit::CloseEdit {
        mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
        until,
        eta,
        reason: args.reason.clone(),
        note: args.note.clone(),
        suspend,
        cleared,
    };
    Ok(CloseFlags { said, lasting: args.lasting.or(args.lease), promised })
}

/// The answer for one site.
pub fn line(outcome: &SiteChange, now: &Zoned, alias: Option<&str>) -> Result<String> {
    let hint =
        alias.map(|alias| format!(" ('{alias}' starts maintenance; to open the site: maintctl open {})", outcome.site));
    answer::line(outcome, now, |after| format!("{}{}", describe::already_text(after, now), hint.unwrap_or_default()))
}
