//! The file writer: an ECDS file that Envoy watches, generated whole from the operator's policy and the documents that
//! stand in it as declared state. It is replaced in one step, so that a reader finds the old one or the new one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use envoy_maintenance::config::PluginConfig;
use envoy_maintenance::policy::Policy;
use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::{Path as KeyPath, Tree};
use serde_json::{Map, Value};

use crate::adopt::{self, Wanted};
use crate::change::{Edit, Options, Outcome, Report, Selection};
use crate::draft::Draft;
use crate::ecds::PolicyFile;
use crate::exit::End;
use crate::target::Target;
use crate::when;

/// The generated file, and the policy that it is generated from.
#[derive(Clone, Debug)]
pub struct FileTarget {
    pub file: PathBuf,
    pub policy: PathBuf,
}

/// What both files say.
pub struct Contents {
    policy: PolicyFile,
    config: PluginConfig,
    /// The documents of the generated file, but for what the operator's policy declares itself.
    documents: Map<String, Value>,
}

impl FileTarget {
    /// Reads both files.
    pub fn read(&self) -> Result<Contents> {
        let shown = self.policy.display();
        let text = fs::read_to_string(&self.policy).with_context(|| format!("policy {shown}"))?;
        let mut policy = PolicyFile::read(&text).with_context(|| format!("policy {shown}"))?;
        let generated = match fs::read_to_string(&self.file) {
            Ok(text) => Some(
                PolicyFile::read(&text).with_context(|| format!("file {}", self.file.display()))?,
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("file {}", self.file.display()));
            }
        };
        match generated.as_ref().filter(|generated| generated.is_whole()) {
            Some(generated) if !policy.is_whole() => policy = policy.within(generated),
            _ => {}
        }
        if !policy.is_whole() {
            bail!(
                "policy {shown}: the Wasm extension around the policy is missing, and {} is not there to take it \
                 from. Let the policy file hold the whole ECDS file (`resources:` with one TypedExtensionConfig)",
                self.file.display()
            );
        }
        let config =
            PluginConfig::read(&policy.policy).with_context(|| format!("policy {shown}"))?;
        let mut documents = generated
            .map(|generated| state_of(&generated.policy))
            .unwrap_or_default();
        documents.retain(|site, _| config.state.iter().all(|(declared, _)| declared != site));
        Ok(Contents {
            policy,
            config,
            documents,
        })
    }

    /// Waits until no other maintctl is at work on the file.
    fn lock(&self, deadline: Instant) -> Result<File> {
        let path = self.lock_path();
        let shown = path.display();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.with_context(|| format!("lock {shown}"))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => bail!(
                    "another maintctl is at work on {}; nothing changed",
                    self.file.display()
                ),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("lock {shown}"));
                }
            }
        }
    }

    fn lock_path(&self) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.file.file_name().unwrap_or_default());
        name.push(".lock");
        self.file.with_file_name(name)
    }

    /// The text of the generated file.
    fn render(&self, contents: &Contents) -> Result<String> {
        let policy = contents
            .with_documents()
            .with_context(|| format!("policy {}", self.policy.display()))?;
        let whole = policy.to_ecds()?;
        let json = serde_json::to_string_pretty(&whole)?;
        let is_json = self
            .file
            .extension()
            .is_some_and(|extension| extension == "json");
        let source = self
            .policy
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(match is_json {
            true => format!("{json}\n"),
            false => format!(
                "# Generated by maintctl from {source}; changes made here are lost.\n{json}\n"
            ),
        })
    }

    /// Replaces the file in one step.
    fn write(&self, text: &str) -> Result<()> {
        // What a link leads to is replaced, not the link.
        let path = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".maintctl-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        match fs::metadata(&path) {
            Ok(metadata) => file.as_file().set_permissions(metadata.permissions())?,
            // Envoy may be another user.
            #[cfg(unix)]
            Err(_) => file
                .as_file()
                .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?,
            #[cfg(not(unix))]
            Err(_) => {}
        }
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

impl Contents {
    /// The names of the sites, sorted.
    pub fn sites(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.config.sites {
            Some(sites) => sites.iter().map(|site| site.name.clone()).collect(),
            None => vec!["default".to_owned()],
        };
        names.sort();
        names
    }

    /// The document of `site`, and whether the operator's policy declares it.
    pub fn document(&self, site: &str, fleet: Option<&str>) -> (Draft, bool) {
        let own = state_of(&self.policy.policy).shift_remove(site);
        let declared = own.is_some();
        match own.or_else(|| self.documents.get(site).cloned()) {
            Some(Value::Object(members)) => (Draft::from_members(site, members), declared),
            _ => (
                Draft::new(site, fleet.or(self.config.fleet.as_deref())),
                declared,
            ),
        }
    }

    /// The policy with every document in it. Documents of sites that are no more go.
    fn with_documents(&self) -> Result<PolicyFile> {
        let mut policy = match self.policy.policy.to_json() {
            Value::Object(policy) => policy,
            _ => Map::new(),
        };
        let mut state = state_of(&self.policy.policy);
        let sites = self.sites();
        for (site, document) in &self.documents {
            match sites.contains(site) {
                true => drop(state.insert(site.clone(), document.clone())),
                false => eprintln!(
                    "warning: the policy has no site \"{site}\" any more; its state is dropped"
                ),
            }
        }
        if !state.is_empty() {
            policy.insert("state".to_owned(), Value::Object(state));
        }
        let tree = Tree::from_json(Value::Object(policy).to_string().as_bytes())?;
        Policy::from_tree(&tree)?;
        Ok(self.policy.with_policy(tree))
    }

    /// The digest by which Envoy names the entry of `site`, if there is one.
    pub fn digest(&self, site: &str) -> Option<String> {
        let entry = self
            .documents
            .get(site)
            .cloned()
            .or_else(|| state_of(&self.policy.policy).shift_remove(site))?;
        digest(site, &entry).ok()
    }
}

/// The digest of a declared entry, as the filter computes it.
fn digest(site: &str, entry: &Value) -> Result<String> {
    let mut entry = entry.clone();
    entry.sort_all_objects();
    let tree = Tree::from_json(entry.to_string().as_bytes())?;
    Ok(Document::declared(site, &tree, &KeyPath::Root.key(site))?
        .stamp
        .digest
        .to_string())
}

fn state_of(policy: &Tree) -> Map<String, Value> {
    match policy.get("state").map(Tree::to_json) {
        Some(Value::Object(state)) => state,
        _ => Map::new(),
    }
}

/// Makes a change in the file, and waits until the target's Envoys follow.
pub fn apply(
    target: &Target,
    writer: &FileTarget,
    selection: &Selection,
    edit: &Edit<'_>,
    options: &Options,
) -> Result<Report> {
    // Asked before the lock: the question may wait for a long time.
    let sites = selection.choose(&writer.read()?.sites())?;
    let lock = writer.lock(options.deadline)?;
    let mut contents = writer.read()?;
    let now = when::time(&when::now());
    let mut outcomes = Vec::new();
    for site in sites {
        let outcome = change(
            &contents,
            target,
            &site,
            edit,
            &options.by,
            now,
            &writer.policy,
        )?;
        if outcome.changed {
            contents
                .documents
                .insert(site, Value::Object(outcome.after.members().clone()));
        }
        outcomes.push(outcome);
    }
    let text = writer.render(&contents)?;
    if fs::read_to_string(&writer.file).ok().as_deref() != Some(&text) {
        writer
            .write(&text)
            .with_context(|| format!("file {}", writer.file.display()))?;
    }
    drop(lock);
    let wanted = |contents: &Contents, site: &str| {
        contents.digest(site).map(|digest| Wanted {
            site: site.to_owned(),
            revision: None,
            digest,
        })
    };
    let all: Vec<Wanted> = outcomes
        .iter()
        .filter_map(|outcome| wanted(&contents, &outcome.site))
        .collect();
    let blind = options.wait && target.envoys.is_empty();
    let mut report = Report {
        target: target.name.clone(),
        outcomes,
        following: None,
        blind,
        durable: true,
        miscounted: None,
    };
    if options.wait && !blind {
        let roll = target.call(None, options.deadline)?;
        let overtaken = |before: &Wanted| {
            writer.read().is_ok_and(|contents| {
                contents.digest(&before.site).as_ref() != Some(&before.digest)
            })
        };
        report.following = Some(adopt::wait(&roll, &all, options.deadline, &overtaken));
        report.miscounted = roll.miscounted;
    }
    Ok(report)
}

fn change(
    contents: &Contents,
    target: &Target,
    site: &str,
    edit: &Edit<'_>,
    by: &str,
    now: Time,
    policy: &Path,
) -> Result<Outcome> {
    let (current, declared) = contents.document(site, target.fleet.as_deref());
    if declared {
        bail!(End::Refused(format!(
            "{site}: declared by the operator's own policy (`state.{site}` in {}), which maintctl never edits; change \
             it there, or remove it there",
            policy.display()
        )));
    }
    let mut before = current.clone();
    before.tidy(now)?;
    let mut after = current;
    edit(&mut after, site, now)?;
    let changed = after != before;
    if changed {
        after.stamp(now, by);
        after.read()?;
    }
    Ok(Outcome {
        site: site.to_owned(),
        before,
        after,
        changed,
    })
}
