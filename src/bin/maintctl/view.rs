//! The current state of a target: all its sites, as its Envoys and its file show them.

use std::time::Instant;

use anyhow::Result;
use jiff::Zoned;

use crate::config::target::{Target, TargetWriter};
use crate::diagnosis::envoy::{self, CLOCK_TOLERANCE, OwnSide};
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::terminal::times;
use crate::write::file::contents::Contents;
use site::SiteView;

pub mod site;

/// A target at one moment.
pub struct View {
    pub roll: Roll,
    pub sites: Vec<SiteView>,
    /// The Envoys whose hot restart keeps a push from some connections, if they were asked.
    pub unreached: Vec<EnvoyFailure>,
    /// Problems of Envoys and of the file, and the reasons why the view is incomplete.
    pub remarks: Vec<Remark>,
}

impl View {
    /// Asks the target's Envoys, and reads its file.
    pub fn of(target: &Target, deadline: Instant) -> Result<View> {
        let file = match &target.writer {
            TargetWriter::File(files) => Some((Contents::read(files), files.file.as_path())),
            TargetWriter::Push => None,
        };
        let (roll, no_details) = target.query_details(deadline)?;
        let mut remarks: Vec<Remark> = file.iter().flat_map(|(contents, _)| contents.remarks()).collect();
        // The file contains what a key would give access to.
        let no_details = no_details.filter(|_| file.is_none() || target.signer().is_ok());
        remarks.extend(no_details.map(incomplete));
        let now = times::now();
        remarks.extend(of_envoys(target, &roll, &now));
        let mut names = roll.sites();
        names.extend(file.iter().flat_map(|(contents, _)| contents.sites()));
        names.sort();
        names.dedup();
        let file = file.as_ref().map(|(contents, path)| (contents, *path));
        let sites = names.iter().map(|site| SiteView::of(site, &roll, file, &now)).collect();
        Ok(View { roll, sites, unreached: Vec::new(), remarks })
    }

    /// The remarks of this severity.
    pub fn remarks_of(&self, severity: Severity) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(move |remark| remark.severity == severity)
    }
}

/// The remark on a status without details.
fn incomplete(reason: String) -> Remark {
    Remark::new(Topic::Key, Severity::Note, format!("details are missing: {reason}"), "")
}

/// The remarks on all Envoys.
fn of_envoys(target: &Target, roll: &Roll, now: &Zoned) -> Vec<Remark> {
    let kid = target.kid();
    let own = OwnSide { fleet: target.fleet.as_deref(), kid: kid.as_deref(), pushes: !target.is_file() };
    let at = times::time(now);
    let of_envoy = |envoy: &EnvoyProcess| {
        // Only `doctor` measures clocks exactly enough for an error.
        let clock = envoy::clock(&envoy.status, at, at, CLOCK_TOLERANCE);
        let clock = clock.map(|remark| Remark { severity: Severity::Warning, ..remark });
        let name = envoy.name();
        let remarks = clock.into_iter().chain(envoy::remarks(&envoy.status, &own));
        remarks.map(|remark| remark.about(&name)).collect::<Vec<_>>()
    };
    roll.envoys.iter().flat_map(of_envoy).collect()
}
