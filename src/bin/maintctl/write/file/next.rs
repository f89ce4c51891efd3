//! The next version of the watched file: the operator's policy with the documents of the current version.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Error, Result, bail};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::PluginConfig;
use envoy_maintenance::policy::Policy;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::Tree;

use crate::config::target::FileTarget;
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::terminal::output::problem;
use crate::terminal::times;
use crate::write::file::changes::PolicyChange;
use crate::write::file::ecds::PolicyFile;
use crate::write::file::entries::{self, StateEntries};
use crate::write::file::policies::{EditedPolicy, WatchedFile};
use crate::write::file::{changes, replace};

/// The next version of the watched file.
pub struct NextFile {
    files: FileTarget,
    /// The policy to write, in its extension.
    file: PolicyFile,
    config: PluginConfig,
    entries: StateEntries,
    /// The names of the sites in the current version.
    old_sites: Vec<String>,
    /// The entries of the current version.
    old_entries: StateEntries,
    /// True if the watched file does not exist.
    pub is_new: bool,
    /// The changes that the operator's policy brings.
    pub brought: Vec<PolicyChange>,
    /// The reason why the operator's policy is not used.
    pub invalid: Option<String>,
}

impl NextFile {
    /// The operator's policy with the documents of the current version.
    pub fn of_policy(files: FileTarget, edited: EditedPolicy, watched: Option<WatchedFile>) -> Result<NextFile> {
        let EditedPolicy { file, config } = edited.clone();
        if !file.is_whole() {
            bail!(
                "policy {}: a policy without the Wasm extension around it, and {} does not exist; restore that file from a \
                 backup, because it contains the state, or create it as a copy of envoy/ecds.yaml with the policy indented \
                 below `value`",
                files.policy.display(),
                files.file.display()
            );
        }
        let brought = match &watched {
            Some(watched) => changes::between(watched, &edited),
            None => vec![PolicyChange::Other(format!("{} created", files.file.display()))],
        };
        let old_entries = watched.as_ref().map(|watched| watched.entries.clone()).unwrap_or_default();
        let old_sites = watched.as_ref().and_then(|watched| entries::sites(&watched.file.policy)).unwrap_or_default();
        let names = entries::names(&config);
        let pins = StateEntries::pins_of(&file.policy);
        let mut entries = old_entries.filtered(|site, _| match pins.get(site) {
            Some(_) => brought.is_empty(),
            None => !old_entries.is_pin(site) && names.iter().any(|name| name == site),
        });
        if !brought.is_empty() {
            let revision = next_revision(&old_entries, times::time(&times::now()));
            let mut pins = pins;
            pins.restamp(revision);
            entries.extend(pins);
        }
        let is_new = watched.is_none();
        let next = NextFile { files, file, config, entries, old_sites, old_entries, is_new, brought, invalid: None };
        match (next.policy(), watched) {
            // The documents may contradict the new policy.
            (Err(error), Some(watched)) => NextFile::of_watched(next.files, watched, Some(&error)),
            (policy, _) => policy.map(|_| next),
        }
    }

    /// The current version, perhaps because the operator's policy is invalid.
    pub fn of_watched(files: FileTarget, watched: WatchedFile, invalid: Option<&Error>) -> Result<NextFile> {
        let WatchedFile { file, entries, .. } = watched;
        let config = PluginConfig::read(&file.policy).map_err(problem);
        let config = config.with_context(|| match invalid {
            Some(invalid) => format!("{invalid:#}; and so is the policy in {}", files.file.display()),
            None => format!("the policy in {}", files.file.display()),
        })?;
        Ok(NextFile {
            old_sites: entries::names(&config),
            old_entries: entries.clone(),
            files,
            file,
            config,
            entries,
            is_new: false,
            brought: Vec::new(),
            invalid: invalid.map(|invalid| format!("{invalid:#}")),
        })
    }

    /// The names of the sites, sorted.
    pub fn sites(&self) -> Vec<String> {
        entries::names(&self.config)
    }

    /// The document of `site`; `None` if there is none.
    pub fn document(&self, site: &str) -> Option<Draft> {
        self.entries.draft(site)
    }

    /// Fails if the policy is of another fleet than `fleet`, for which documents are made.
    pub fn require_fleet(&self, fleet: Option<&str>) -> Result<()> {
        let (Some(fleet), own) = (fleet, self.config.fleet.as_deref()) else { return Ok(()) };
        let problem = match own {
            Some(own) if own == fleet => return Ok(()),
            Some(own) => format!("its `fleet` is \"{own}\""),
            None => "it has no `fleet`".to_owned(),
        };
        bail!(
            "policy {}: {problem}, but the configuration of maintctl has \"{fleet}\"; set `fleet: {fleet}` in the policy, or \
             correct `fleet` in the configuration; nothing changed",
            self.files.policy.display()
        )
    }

    /// A new document of `site`.
    pub fn new_document(&self, site: &str, fleet: Option<&str>) -> Draft {
        Draft::new(site, fleet.or(self.config.fleet.as_deref()))
    }

    /// True if the operator's policy declares the state of `site`.
    pub fn is_pinned(&self, site: &str) -> bool {
        self.entries.is_pin(site)
    }

    /// The mode of a site at `now` by its entry.
    pub fn mode(&self, site: &str, now: Time) -> Mode {
        self.entries.mode(site, now)
    }

    /// Sets the document of a site.
    pub fn set(&mut self, site: &str, document: &Draft) {
        self.entries.set(site, document);
    }

    /// True if the current version declares the state of `site`, and the edited policy no longer does.
    pub fn drops_pin(&self, site: &str) -> bool {
        self.old_entries.is_pin(site) && !self.entries.is_pin(site)
    }

    /// Notes that a command keeps a site closed that the edited policy may no longer declare.
    pub fn note_closed(&mut self, site: &str) {
        for change in &mut self.brought {
            if let PolicyChange::DroppedPin { site: dropped, modes } = change
                && dropped == site
            {
                *modes = None;
            }
        }
    }

    /// The time for the next revision: later than all revisions in the file and than `known`.
    pub fn next_time(&self, known: u64, now: Time) -> Time {
        let revision = next_revision(&self.old_entries, now).max(known.saturating_add(1));
        Time(i64::try_from(revision).unwrap_or(i64::MAX))
    }

    /// The site with the newest document or pin.
    pub fn newest(&self) -> Option<&String> {
        self.entries.newest().map(|(site, _)| site)
    }

    /// True if this version has an entry that no earlier version had, by which the adoption of its policy is proven.
    pub fn has_new_entry(&self) -> bool {
        self.entries.newest().map(|(_, revision)| revision) > self.old_entries.newest().map(|(_, revision)| revision)
    }

    /// The documents that can be stamped again: those of maintctl.
    pub fn own_documents(&self) -> StateEntries {
        self.entries.documents()
    }

    /// The sites of the current version that the operator's policy no longer has.
    pub fn removed(&self) -> Vec<&String> {
        let names = self.sites();
        let old: BTreeSet<&String> = self.old_sites.iter().chain(self.old_entries.sites()).collect();
        old.into_iter().filter(|site| !names.contains(site)).collect()
    }

    /// The mode of a site at `now` in the current version.
    pub fn old_mode(&self, site: &str, now: Time) -> Mode {
        self.old_entries.mode(site, now)
    }

    /// The document of a site in the current version, as Envoys with that version have adopted it.
    pub fn old_document(&self, site: &str) -> Option<ExpectedDocument> {
        self.old_entries.expected(site)
    }

    /// The document of `site` that Envoys have to adopt; `None` if the file has none.
    pub fn expected(&self, site: &str) -> Option<ExpectedDocument> {
        self.entries.expected(site)
    }

    /// The policy without its entries.
    pub fn compiled(&self) -> Result<Policy> {
        Policy::compile(&self.config).map_err(problem)
    }

    /// The policy with its entries.
    fn policy(&self) -> Result<PolicyFile> {
        let name = || format!("policy {}", self.files.policy.display());
        let tree = Tree::from_json(self.entries.within(&self.file.policy).to_string().as_bytes()).with_context(name)?;
        CompiledConfig::from_tree(&tree).map_err(problem).with_context(name)?;
        Ok(self.file.with_policy(tree))
    }

    /// The text of the file.
    pub fn render(&self) -> Result<String> {
        let FileTarget { file, policy } = &self.files;
        let json = serde_json::to_string_pretty(&self.policy()?.to_ecds()?)?;
        if file.extension().is_some_and(|extension| extension == "json") {
            return Ok(format!("{json}\n"));
        }
        let source = policy.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("# Generated by maintctl from {source}. Do not edit.\n{json}\n"))
    }

    /// Replaces the watched file if its text differs.
    pub fn write(&self) -> Result<()> {
        let (text, path) = (self.render()?, &self.files.file);
        if fs::read_to_string(path).ok().as_deref() == Some(&text) {
            return Ok(());
        }
        replace::replace(path, &text).with_context(|| format!("file {}", path.display()))
    }
}

/// A revision that is greater than those of all entries.
fn next_revision(entries: &StateEntries, now: Time) -> u64 {
    let newest = entries.newest().map_or(0, |(_, revision)| revision);
    u64::try_from(now.0).unwrap_or(0).max(newest.saturating_add(1))
}
