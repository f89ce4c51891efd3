//! The state of each site: declared by the policy, else of the newest document.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use envoy_maintenance::policy::{Policy, Site};
use envoy_maintenance::state::jws::{STATE_TYP, Token};
use envoy_maintenance::state::{Document, EffectiveState, MAX_AHEAD};
use envoy_maintenance::time::Time;
use serde_json::{Map, Value};

use crate::document::draft::Draft;
use crate::terminal::output::problem;

/// The documents, and notes on them.
#[derive(Debug)]
pub struct States {
    documents: Vec<Document>,
    pub notes: Vec<String>,
}

impl States {
    /// Reads documents. A document that the filter rejects is an error.
    pub fn read(files: &[PathBuf], policy: &Policy, now: Time) -> Result<States> {
        let mut states = States { documents: Vec::new(), notes: Vec::new() };
        for file in files {
            let bytes = std::fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
            let added = states.add(file, &bytes, policy, now);
            added.map_err(|error| problem(format!("{error:#}"))).with_context(|| file.display().to_string())?;
        }
        Ok(states)
    }

    fn add(&mut self, file: &Path, bytes: &[u8], policy: &Policy, now: Time) -> Result<()> {
        let bytes = bytes.trim_ascii();
        let file = file.display().to_string();
        if !bytes.starts_with(b"{") {
            let token = Token::parse(bytes, STATE_TYP).context("neither JSON nor a signed document")?;
            let payload = token.payload().context("neither JSON nor a signed document")?;
            let text = String::from_utf8_lossy(&payload);
            self.notes.push(format!("{file}: the signature was not verified; the payload is {text}"));
            return self.add_document(&file, Document::from_payload(&payload)?, policy, now);
        }
        let json: Value = serde_json::from_slice(bytes)?;
        let Some(sites) = json.get("sites").and_then(Value::as_array) else {
            return self.add_document(&file, Document::from_payload(bytes)?, policy, now);
        };
        for (site, members) in sites.iter().filter_map(of_status) {
            self.add_current(&file, &Draft::from_members(site, members.clone()).read()?, policy, now)?;
        }
        Ok(())
    }

    /// Adds a document that is in effect. Its site may be unknown to the policy, and declared documents have no fleet.
    pub fn add_current(&mut self, source: &str, document: &Document, policy: &Policy, now: Time) -> Result<()> {
        if !policy.sites.iter().any(|site| site.name == document.site) {
            self.notes.push(format!("{source}: the policy has no site \"{}\"", document.site));
            return Ok(());
        }
        let fleet = document.fleet.clone().filter(|fleet| !fleet.is_empty()).or_else(|| policy.fleet.clone());
        self.add_document(source, Document { fleet, ..document.clone() }, policy, now)
    }

    fn add_document(&mut self, source: &str, document: Document, policy: &Policy, now: Time) -> Result<()> {
        let Some(site) = policy.sites.iter().find(|site| site.name == document.site) else {
            bail!("site: the policy has no site \"{}\"", document.site)
        };
        if document.fleet != policy.fleet {
            let fleet = |fleet: &Option<String>| fleet.clone().unwrap_or_default();
            bail!("fleet: \"{}\" differs from the policy's \"{}\"", fleet(&document.fleet), fleet(&policy.fleet));
        }
        if i64::try_from(document.stamp.revision).is_ok_and(|revision| revision > now.0.saturating_add(MAX_AHEAD)) {
            bail!("revision: {} is more than 10 minutes in the future", document.stamp.revision);
        }
        if !document.unknown.is_empty() {
            self.notes.push(format!("{source}: unknown fields: {}", document.unknown.join(", ")));
        }
        if let Some(declared) = &site.declared {
            // The same state, for example of a watched file, needs no note.
            if declared.at(now) != document.at(now) {
                self.notes.push(format!("{source}: ignored, because the policy declares the state of {}", site.name));
            }
            return Ok(());
        }
        match self.documents.iter_mut().find(|known| known.site == document.site) {
            None => self.documents.push(document),
            Some(known) => {
                self.notes.push(format!("{}: several documents; the newest is used", document.site));
                if document.stamp > known.stamp {
                    *known = document;
                }
            }
        }
        Ok(())
    }

    /// True if a site has a document.
    pub fn knows(&self, site: &Site) -> bool {
        site.declared.is_some() || self.documents.iter().any(|document| document.site == site.name)
    }

    /// The state of each site, in the order of the policy.
    pub fn effective_states(&self, policy: &Policy, now: Time) -> Vec<EffectiveState> {
        let pushed = |site: &str| self.documents.iter().find(|document| document.site == site);
        let document =
            |site: &'_ Site| site.declared.as_deref().or_else(|| pushed(&site.name)).map(|found| found.at(now));
        policy.sites.iter().map(|site| document(site).unwrap_or_default()).collect()
    }
}

/// The name and the document of an entry of `sites` in the output of `maintctl status --json`.
fn of_status(site: &Value) -> Option<(&str, &Map<String, Value>)> {
    Some((site.get("site")?.as_str()?, site.get("document")?.as_object()?))
}

#[cfg(test)]
mod tests;
