//! The flags of `close`: the mode, the details, and the hold of a command.

use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::args::CloseArgs;
use crate::commands::details::DetailFlags;
use crate::document::hold::NewHold;
use crate::terminal::times::{self, after};

pub struct CloseFlags {
    pub mode: Mode,
    pub details: DetailFlags,
    pub lease: Option<Duration>,
}

impl CloseFlags {
    /// Reads the times, and prints how `HH:MM` was understood.
    pub fn new(args: &CloseArgs, now: &Zoned) -> Result<CloseFlags> {
        args.lease.map(|lease| times::within_range("--lease", after(times::time(now), lease))).transpose()?;
        Ok(CloseFlags {
            mode: if args.read_only { Mode::ReadOnly } else { Mode::Offline },
            details: DetailFlags::new(&args.details, now)?,
            lease: args.lease,
        })
    }

    /// The hold of a command. A lease counts from `now`.
    pub fn hold(&self, id: &str, by: &str, now: Time) -> NewHold {
        let details = self.details.at(now);
        NewHold {
            id: id.to_owned(),
            by: by.to_owned(),
            mode: self.mode,
            until: self.lease.map(|lease| after(now, lease)).or(details.until),
            is_leased: self.lease.is_some(),
            eta: details.eta,
            reason: details.reason,
            note: details.note,
            suspend: details.suspend,
        }
    }
}
