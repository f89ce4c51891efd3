//! The current state of a target: all its sites, as its Envoys and its file show them.

use std::time::Instant;

use anyhow::Result;

use crate::config::target::{Target, TargetWriter};
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::Roll;
use crate::terminal::times;
use crate::write::file::contents::Contents;
use site::SiteView;

mod lag;
pub mod site;

/// A target at one moment.
pub struct View {
    pub roll: Roll,
    pub sites: Vec<SiteView>,
    /// The Envoys whose hot restart keeps a push from some connections, if they were asked.
    pub unreached: Vec<EnvoyFailure>,
    /// The reasons why the view is incomplete, and the changes that an edited policy will bring.
    pub notes: Vec<String>,
    /// The reason why Envoy cannot load the watched file when it starts again.
    pub broken_file: Option<String>,
}

impl View {
    /// Asks the target's Envoys, and reads its file.
    pub fn of(target: &Target, deadline: Instant) -> Result<View> {
        let contents = match &target.writer {
            TargetWriter::File(files) => Some(Contents::read(files)),
            TargetWriter::Push => None,
        };
        let (roll, no_details) = target.survey(deadline)?;
        // The file contains what a key would give access to.
        let no_details = no_details.filter(|_| contents.is_none() || target.signer().is_ok());
        let mut notes: Vec<String> = contents.iter().flat_map(Contents::remarks).collect();
        notes.extend(no_details.map(|why| format!("details are missing: {why}")));
        let mut names = roll.sites();
        names.extend(contents.iter().flat_map(Contents::sites));
        names.sort();
        names.dedup();
        let now = times::time(&times::now());
        let sites = names.iter().map(|site| SiteView::of(site, &roll, contents.as_ref(), now)).collect();
        let broken_file = contents.as_ref().and_then(Contents::problem);
        Ok(View { roll, sites, unreached: Vec::new(), notes, broken_file })
    }
}
