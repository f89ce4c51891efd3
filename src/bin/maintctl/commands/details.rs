//! The flags that describe a maintenance, as the edit of a document.

use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::time::{Time, parse_duration};
use jiff::Zoned;

use crate::args::DetailArgs;
use crate::document::edit::Details;
use crate::terminal::times::{self, after};

/// The value of a flag that removes the field.
const NONE: &str = "none";

/// The details that the flags describe.
pub struct DetailFlags {
    details: Details,
    /// The values of `--for` and `--eta`, if they count from the time of the change.
    until_after: Option<Duration>,
    eta_after: Option<Duration>,
}

impl DetailFlags {
    /// Reads the times, and prints how `HH:MM` was understood.
    pub fn new(args: &DetailArgs, now: &Zoned) -> Result<DetailFlags> {
        let start = times::time(now);
        args.lasting.map(|lasting| times::within_range("--for", after(start, lasting))).transpose()?;
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
        let (reason, note) = (args.reason.clone(), args.note.clone());
        let details = Details { until, eta, reason, note, suspend, cleared };
        Ok(DetailFlags { details, until_after: args.lasting, eta_after })
    }

    /// The details of a change at `now`, perhaps after a question.
    pub fn at(&self, now: Time) -> Details {
        let from_now = |duration: Option<Duration>| duration.map(|duration| after(now, duration));
        let (until, eta) = (from_now(self.until_after), from_now(self.eta_after));
        Details { until: until.or(self.details.until), eta: eta.or(self.details.eta), ..self.details.clone() }
    }
}
