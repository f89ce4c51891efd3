//! The two files of a file target as they are on disk: the watched file, which Envoy runs, and the operator's policy.
//! A file that cannot be read does not hide the other one.

use anyhow::{Result, anyhow};

use crate::config::target::FileTarget;
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::write::file::changes;
use crate::write::file::entries;
use crate::write::file::next::NextFile;
use crate::write::file::policies::{self, EditedPolicy, WatchedFile};

/// The contents of both files.
pub struct Contents {
    files: FileTarget,
    /// `None` if the file does not exist.
    watched: Result<Option<WatchedFile>>,
    edited: Result<EditedPolicy>,
}

impl Contents {
    /// Reads both files.
    pub fn read(files: &FileTarget) -> Contents {
        let watched = policies::read_watched(&files.file);
        let around = watched.as_ref().ok().and_then(Option::as_ref).map(|watched| &watched.file);
        let edited = policies::read_edited(&files.policy, around);
        Contents { files: files.clone(), watched, edited }
    }

    fn watched(&self) -> Option<&WatchedFile> {
        self.watched.as_ref().ok().and_then(Option::as_ref)
    }

    /// True if the watched file shows the state of its sites.
    pub fn is_readable(&self) -> bool {
        self.watched().is_some()
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
                let problem = format!(
                    "{invalid}; Envoy rejects it: it runs the policy before, or answers 500 to every request if it started \
                              with this one"
                );
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
            (Ok(edited), Ok(None)) => {
                let problem = format!("{} does not exist", self.files.file.display());
                let whole = "the next change creates it, with the state that Envoys report";
                let bare = "restore it from a backup: the policy alone does not contain the Wasm extension around it";
                Some(remark(Severity::Warning, problem, if edited.file.is_whole() { whole } else { bare }))
            }
            (Ok(edited), Ok(Some(watched))) => {
                let brought: Vec<String> = changes::between(watched, edited).iter().map(ToString::to_string).collect();
                let remedy = format!("the next change, or `maintctl apply`, brings: {}", brought.join("; "));
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
