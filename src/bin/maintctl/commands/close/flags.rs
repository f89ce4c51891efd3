//! The flags of `close`, as the edit of a document.

use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::{Time, parse_duration};
use jiff::Zoned;

use crate::args::CloseArgs;
use crate::commands::answer;
use crate::document::describe;
use crate::document::edit::CloseEdit;
use crate::terminal::times::{self, after};
use crate::write::change::SiteChange;

/// The value of a flag that removes the field.
const NONE: &str = "none";

/// The edit that the flags describe.
pub struct CloseFlags {
    edit: CloseEdit,
    /// The values of `--for` or `--lease`, and of `--eta`, if they count from the time at which the site closes.
    until_after: Option<Duration>,
    eta_after: Option<Duration>,
}

impl CloseFlags {
    /// Reads the times, and prints how `HH:MM` was understood.
    pub fn new(args: &CloseArgs, now: &Zoned) -> Result<CloseFlags> {
        let start = times::time(now);
        for (flag, duration) in [("--for", args.lasting), ("--lease", args.lease)] {
            duration.map(|duration| times::within_range(flag, after(start, duration))).transpose()?;
        }
        let mut cleared = Vec::new();
        let mut value = |name: &'static str, text: &Option<String>| {
            let text = text.clone()?;
            if text == NONE {
                cleared.push(name);
                return None;
            }
            Some(text)
        };
        let (until, eta) = (value("until", &args.until), value("eta", &args.eta));
        let until = until.map(|text| times::read_echoed("--until", &text, now, times::future)).transpose()?;
        let eta_after = eta.as_deref().and_then(parse_duration).map(Duration::from_millis);
        let read_eta = |flag: &str, text: &str, now: &Zoned| times::future_or_duration(flag, text, start, now);
        let eta = eta.map(|text| times::read_echoed("--eta", &text, now, read_eta)).transpose()?;
        let mut suspend = args.suspend.clone();
        if suspend == [NONE] {
            suspend.clear();
            cleared.push("suspend");
        }
        let edit = CloseEdit {
            mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
            until,
            eta,
            reason: args.reason.clone(),
            note: args.note.clone(),
            suspend,
            cleared,
        };
        Ok(CloseFlags { edit, until_after: args.lasting.or(args.lease), eta_after })
    }

    /// The mode in which the site closes.
    pub fn mode(&self) -> Mode {
        self.edit.mode
    }

    /// The edit of a site that closes now, perhaps after a question.
    pub fn at(&self, now: Time) -> CloseEdit {
        let from_now = |duration: Option<Duration>| duration.map(|duration| after(now, duration));
        let (until, eta) = (from_now(self.until_after), from_now(self.eta_after));
        CloseEdit { until: until.or(self.edit.until), eta: eta.or(self.edit.eta), ..self.edit.clone() }
    }
}

/// The answer for one site.
pub fn line(change: &SiteChange, now: &Zoned, alias: Option<&str>) -> Result<String> {
    let site = &change.site;
    let hint = alias.map(|alias| format!(" ('{alias}' starts maintenance; to open the site: maintctl open {site})"));
    answer::line(change, now, |after| format!("{}{}", describe::already_text(after, now), hint.unwrap_or_default()))
}
