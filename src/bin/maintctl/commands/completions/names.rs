//! The names that complete a word. All failures lead to no names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use envoy_maintenance::policy::Site;
use envoy_maintenance::state::Document;

use crate::args::common::Global;
use crate::config::file::Config;
use crate::config::policy_file;
use crate::config::target::{FileTarget, Target, TargetWriter};
use crate::document::draft::Draft;
use crate::terminal::times;
use crate::write::file::contents::Contents;

/// The time limit for the responses of Envoys.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The words of the command line that is completed.
pub struct TypedWords {
    words: Vec<String>,
}

/// A site, and the names of its rules and windows.
struct CompletionSite {
    name: String,
    rules: Vec<String>,
    windows: Vec<String>,
}

impl TypedWords {
    /// The words after `--`, which follow the words of the completion script.
    pub fn read() -> TypedWords {
        let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        TypedWords { words: words.skip_while(|word| word != "--").skip(1).collect() }
    }

    /// The names of all targets.
    pub fn targets(&self) -> Vec<String> {
        self.config().map(|config| config.file.targets.into_keys().collect()).unwrap_or_default()
    }

    /// The names of the sites that are not typed yet.
    pub fn sites(&self) -> Vec<String> {
        let names = self.known().into_iter().map(|site| site.name);
        names.filter(|name| is_plain(name) && !self.words.contains(name)).collect()
    }

    /// The rules of the sites that are typed, or of all sites.
    pub fn rules(&self) -> Vec<String> {
        self.of_sites(|site| site.rules)
    }

    /// The windows of the site that is typed, or of all sites.
    pub fn windows(&self) -> Vec<String> {
        self.of_sites(|site| site.windows)
    }

    fn of_sites(&self, names: fn(CompletionSite) -> Vec<String>) -> Vec<String> {
        let mut sites = self.known();
        if sites.iter().any(|site| self.words.contains(&site.name)) {
            sites.retain(|site| self.words.contains(&site.name));
        }
        let names: BTreeSet<String> = sites.into_iter().flat_map(names).collect();
        names.into_iter().filter(|name| is_plain(name) && !self.words.contains(name)).collect()
    }

    fn config(&self) -> Result<Config> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let config = self.value("--config").or_else(|| variable("MAINTCTL_CONFIG")).map(PathBuf::from);
        Config::load(&Global { config, target: None })
    }

    /// The value of a flag.
    fn value(&self, flag: &str) -> Option<String> {
        let of_two = self.words.windows(2).find_map(|pair| match pair {
            [name, value] if name == flag => Some(value.clone()),
            _ => None,
        });
        let joined =
            || self.words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('=').map(str::to_owned));
        of_two.or_else(joined)
    }

    fn known(&self) -> Vec<CompletionSite> {
        let known = match self.value("--policy") {
            Some(policy) => of_policy(Path::new(&policy)),
            None => self.target().and_then(|target| of_target(&target)),
        };
        known.unwrap_or_default()
    }

    fn target(&self) -> Result<Target> {
        let mut config = self.config()?;
        // It may ask for a password.
        config.file.key_command = None;
        let named = self.value("--target").or_else(|| std::env::var("MAINTCTL_TARGET").ok());
        Target::of(&config, named.as_deref().filter(|name| !name.is_empty()))
    }
}

/// True if a shell reads the name as it is. A completed name is not quoted, and those of Envoys are not trusted.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    !name.starts_with('-') && name.bytes().all(is_plain)
}

fn of_target(target: &Target) -> Result<Vec<CompletionSite>> {
    match &target.writer {
        TargetWriter::File(files) => Ok(of_files(files)),
        TargetWriter::Push => of_envoys(target),
    }
}

/// The sites of the watched file, which has the windows too, with the rules of the operator's policy.
fn of_files(files: &FileTarget) -> Vec<CompletionSite> {
    let contents = Contents::read(files);
    let mut known = of_policy(&files.policy).unwrap_or_default();
    for name in contents.sites() {
        let windows = contents.document(&name).and_then(|draft| draft.read().ok()).map(windows).unwrap_or_default();
        match known.iter_mut().find(|site| site.name == name) {
            Some(site) => site.windows = windows,
            None => known.push(CompletionSite { name, rules: Vec::new(), windows }),
        }
    }
    known
}

/// The sites of a policy.
fn of_policy(policy: &Path) -> Result<Vec<CompletionSite>> {
    let config = policy_file::compile(policy, None)?;
    let rules = |site: &Site| site.exempt.iter().map(|rule| rule.name.clone()).collect();
    let known = |site: &Site| CompletionSite { name: site.name.clone(), rules: rules(site), windows: Vec::new() };
    Ok(config.policy.sites.iter().map(known).collect())
}

/// The sites of the Envoys. Rules and windows require a key.
fn of_envoys(target: &Target) -> Result<Vec<CompletionSite>> {
    let token = target.read_token(times::time(&times::now())).ok();
    let roll = target.query(token.as_deref(), Instant::now() + TIMEOUT)?;
    let known = |name: String| {
        let statuses = || roll.of_site(&name).map(|(_, status)| status);
        let rules = statuses().flat_map(|status| &status.details.bypassed.0).map(|(rule, _)| rule.clone());
        let newest =
            statuses().max_by_key(|status| status.revision).and_then(|status| status.details.document.as_object());
        let document = newest.and_then(|members| Draft::from_members(&name, members.clone()).read().ok());
        CompletionSite { rules: rules.collect(), windows: document.map(windows).unwrap_or_default(), name }
    };
    Ok(roll.sites().into_iter().map(known).collect())
}

/// The windows that an operator has planned. Holds belong to running commands.
fn windows(document: Document) -> Vec<String> {
    document.windows.into_iter().filter(|window| window.by.is_none()).map(|window| window.id).collect()
}
