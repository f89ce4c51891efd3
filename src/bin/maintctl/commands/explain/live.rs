//! `--live`: the current state of a target's sites.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use envoy_maintenance::policy::Policy;
use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;

use super::states::States;
use crate::args::common::Global;
use crate::config::target::{Target, TargetWriter};
use crate::exit::ExitError;
use crate::terminal::times::deadline;
use crate::view::View;

/// The time to wait for the responses of Envoys.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The documents of a target's sites, and the file with their policy.
pub struct LiveState {
    pub policy: PathBuf,
    target: String,
    documents: Vec<Document>,
    notes: Vec<String>,
}

impl LiveState {
    /// Asks the Envoys of the target. Without `policy`, the policy is that of the watched file.
    pub fn ask(global: &Global, policy: Option<&Path>) -> Result<LiveState> {
        let target = Target::load(global)?;
        let name = format!("target {}", target.name);
        let policy = match (policy, &target.writer) {
            (Some(policy), _) => policy.to_path_buf(),
            (None, TargetWriter::File(files)) if files.file.exists() => files.file.clone(),
            (None, TargetWriter::File(files)) => files.policy.clone(),
            (None, TargetWriter::Push) => {
                let text =
                    format!("--live: {name} has no `file`, and Envoys do not show their policy; add --policy FILE");
                bail!(ExitError::Usage(text));
            }
        };
        let view = View::of(&target, deadline(TIMEOUT))?;
        if !target.envoys.is_empty() {
            view.roll.require_any("")?;
        }
        let mut notes: Vec<String> = view.remarks.iter().map(|remark| format!("{name}: {}", remark.line())).collect();
        for site in view.sites.iter().filter(|site| !site.lagging.is_empty()) {
            notes
                .push(format!("{name}: not every Envoy has adopted the state of {}; see `maintctl status`", site.site));
        }
        if let Some(hidden) = view.sites.iter().find(|site| site.digest.is_some() && site.document.is_none()) {
            bail!("--live: the document of {} cannot be read; {}", hidden.site, notes.join("; "));
        }
        let documents = view.sites.into_iter().filter_map(|site| Some(site.document?.1)).collect();
        Ok(LiveState { policy, target: name, documents, notes })
    }

    /// Adds the documents.
    pub fn add_to(self, states: &mut States, policy: &Policy, now: Time) -> Result<()> {
        states.notes.extend(self.notes);
        self.documents.iter().try_for_each(|document| states.add_current(&self.target, document, policy, now))
    }
}
