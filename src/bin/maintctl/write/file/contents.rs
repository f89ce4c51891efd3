//! The two files of a file target as they are on disk: the watched file, which Envoy runs, and the operator's policy.
//! A file that cannot be read does not hide the other one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::PluginConfig;

use crate::config::target::FileTarget;
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::terminal::output::problem;
use crate::write::ecds::PolicyFile;
use crate::write::file::changes;
use crate::write::file::entries::{self, Entries};
use crate::write::file::next::NextFile;

/// The contents of both files.
pub struct Contents {
    files: FileTarget,
    /// `None` if the file does not exist.
    watched: Result<Option<WatchedFile>>,
    edited: Result<EditedPolicy>,
}

/// A watched file that can be read.
pub struct WatchedFile {
    pub file: PolicyFile,
    /// The entries of its `state`.
    pub entries: Entries,
    /// The reason why Envoy rejects the policy in it.
    invalid: Option<String>,
}

/// A valid policy of the operator.
#[derive(Clone)]
pub struct EditedPolicy {
    pub file: PolicyFile,
    pub config: PluginConfig,
}

impl Contents {
    /// Reads both files.
    pub fn read(files: &FileTarget) -> Contents {
        let watched = read_watched(&files.file);
        let around = watched.as_ref().ok().and_then(Option::as_ref).map(|watched| &watched.file);
        let edited = read_edited(&files.policy, around);
        Contents { files: files.clone(), watched, edited }
    }

    fn watched(&self) -> Option<&WatchedFile> {
        self.watched.as_ref().ok().and_then(Option::as_ref)
    }

    /// The names of the sites, sorted: those of the watched file, or of the policy if that file cannot be read.
    pub fn sites(&self) -> Vec<String> {
        let watched = self.watched().and_then(|watched| entries::sites(&watched.file.policy));
        watched.or_else(|| Some(entries::names(&self.edited.as_ref().ok()?.config))).unwrap_or_default()
    }

    /// The document of `site` in the watched file.
    pub fn document(&self, site: &str) -> Option<Draft> {
        self.watched()?.entries.draft(site)
    }

    /// True if the operator's policy declares the state of `site`, so that `close` and `open` are rejected.
    pub fn is_pinned(&self, site: &str) -> bool {
        match &self.edited {
            Ok(edited) => edited.config.state.iter().any(|(declared, _)| declared == site),
            Err(_) => self.watched().is_some_and(|watched| watched.entries.is_pin(site)),
        }
    }

    /// The document of `site` that an Envoy with the watched file has adopted; `None` if the file has none.
    pub fn expected(&self, site: &str) -> Option<ExpectedDocument> {
        self.watched()?.entries.expected(site)
    }

    /// Problems of both files, and the differences between the policies in them.
    pub fn remarks(&self) -> Vec<Remark> {
        self.problem().into_iter().chain(self.difference()).collect()
    }

    /// The reason why Envoy cannot load the watched file when it starts again.
    fn problem(&self) -> Option<Remark> {
        match &self.watched {
            Ok(watched) => watched.as_ref()?.invalid.as_ref().map(|invalid| {
                let problem = format!("{invalid}; Envoy rejects it and runs the policy before");
                remark(Severity::Error, problem, "`maintctl apply` writes the file again")
            }),
            Err(error) => Some(remark(Severity::Error, format!("{error:#}"), "")),
        }
    }

    /// The differences of the operator's policy from the watched file, or the reason why it cannot be used.
    fn difference(&self) -> Option<Remark> {
        let policy = self.files.policy.display();
        match (&self.edited, &self.watched) {
            (Err(error), Ok(Some(_))) => {
                let remedy = "changes keep the policy that Envoy runs until that is corrected";
                Some(remark(Severity::Warning, format!("{error:#}"), remedy))
            }
            (Err(error), _) => Some(remark(Severity::Error, format!("{error:#}"), "")),
            (Ok(_), Err(_)) => None,
            (Ok(_), Ok(None)) => {
                let problem = format!("{} does not exist", self.files.file.display());
                Some(remark(Severity::Warning, problem, "the next change creates it"))
            }
            (Ok(edited), Ok(Some(watched))) => {
                let brought = changes::between(watched, edited);
                let remedy = format!("the next change, or `maintctl apply`, brings: {}", changes::line(&brought));
                (!brought.is_empty()).then(|| remark(Severity::Note, format!("{policy} was edited"), &remedy))
            }
        }
    }

    /// The policy before and after the next change. Fails if one of the files cannot be used.
    pub fn compare(self) -> Result<(Option<WatchedFile>, EditedPolicy)> {
        Ok((self.watched?, self.edited?))
    }

    /// The current version of the watched file, without edits of the policy.
    pub fn current(self) -> Result<NextFile> {
        let watched = self.watched?;
        let missing = || anyhow!("{} does not exist; the next change creates it", self.files.file.display());
        NextFile::of_watched(self.files.clone(), watched.ok_or_else(missing)?, None)
    }

    /// The next version of the watched file. Fails if its documents cannot be read. If the operator's policy is invalid,
    /// the policy in the watched file stays.
    pub fn next(self) -> Result<NextFile> {
        let watched = self.watched.map_err(|error| anyhow!("{error:#}; nothing changed"))?;
        match (self.edited, watched) {
            (Ok(edited), watched) => NextFile::of_policy(self.files, edited, watched),
            (Err(error), Some(watched)) => NextFile::of_watched(self.files, watched, Some(&error)),
            (Err(error), None) => Err(error),
        }
    }
}

fn remark(severity: Severity, problem: String, remedy: &str) -> Remark {
    Remark::new(Topic::File, severity, problem, remedy)
}

/// Reads the watched file.
fn read_watched(path: &Path) -> Result<Option<WatchedFile>> {
    let name = format!("file {}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(name),
    };
    let remedy = "it contains the state of all sites: restore it from a backup; or remove it, so that the next change \
                  creates it, with every site online, from a policy in an ECDS file";
    let broken = |problem: String| anyhow!("{problem}; {remedy}");
    if text.trim().is_empty() {
        return Err(broken(format!("{name}: empty")));
    }
    let file = PolicyFile::parse(&name, &text).map_err(|error| broken(format!("{error:#}")))?;
    if !file.is_whole() {
        return Err(broken(format!("{name}: the Wasm extension around the policy is missing")));
    }
    let invalid = CompiledConfig::from_tree(&file.policy).err();
    let invalid = invalid.map(|error| format!("{:#}", problem(error).context(name)));
    Ok(Some(WatchedFile { entries: Entries::of(&file.policy), file, invalid }))
}

/// Reads and compiles the operator's policy. If the file has only the policy, it is put into the extension of `around`.
fn read_edited(path: &Path, around: Option<&PolicyFile>) -> Result<EditedPolicy> {
    let name = format!("policy {}", path.display());
    let text = fs::read_to_string(path).with_context(|| name.clone())?;
    if text.trim().is_empty() {
        bail!("{name}: empty");
    }
    let mut file = PolicyFile::parse(&name, &text)?;
    if let Some(around) = around.filter(|_| !file.is_whole()) {
        file = file.within(around);
    }
    let config = PluginConfig::read(&file.policy).map_err(problem).with_context(|| name.clone())?;
    CompiledConfig::from_tree(&file.policy).map_err(problem).context(name)?;
    Ok(EditedPolicy { file, config })
}
