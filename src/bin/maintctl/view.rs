//! The current state of a target: all its sites, as its Envoys and its file show them.

use std::time::Instant;

use anyhow::Result;

use crate::config::target::{Target, TargetWriter};
use crate::envoys::error::EnvoyError;
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
    /// The reason why the view is incomplete.
    pub note: Option<String>,
}

impl View {
    /// Asks the target's Envoys, and reads its file.
    pub fn of(target: &Target, deadline: Instant) -> Result<View> {
        let contents = match &target.writer {
            TargetWriter::File(files) => Some(Contents::read(files)?),
            TargetWriter::Push => None,
        };
        let is_edited = contents.as_ref().is_some_and(|contents| contents.is_edited);
        let edited = is_edited.then(|| "the policy was edited; the next change writes it to the file".to_owned());
        let (token, mut note) = match target.read_token(times::time(&times::now())) {
            Ok(token) => (Some(token), edited),
            // The file contains what the token would give access to.
            Err(_) if contents.is_some() => (None, edited),
            Err(error) => (None, Some(format!("details are missing: {error:#}"))),
        };
        let mut roll = target.call(token.as_deref(), deadline)?;
        let rejected = roll.failures.iter().find(|failure| matches!(failure.error, EnvoyError::Rejected { .. }));
        if let Some(rejected) = rejected.filter(|_| token.is_some()) {
            note = Some(format!("details are missing: {}", rejected.line()));
            roll = target.call(None, deadline)?;
        }
        let mut names = roll.sites();
        names.extend(contents.iter().flat_map(Contents::sites));
        names.sort();
        names.dedup();
        let now = times::time(&times::now());
        let sites = names.iter().map(|site| SiteView::of(site, &roll, contents.as_ref(), now)).collect();
        Ok(View { roll, sites, unreached: Vec::new(), note })
    }
}
