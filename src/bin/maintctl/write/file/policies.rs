//! Reads the watched file and the operator's policy.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::PluginConfig;

use crate::terminal::output::problem;
use crate::write::file::ecds::PolicyFile;
use crate::write::file::entries::StateEntries;

/// A watched file that can be read.
pub struct WatchedFile {
    pub file: PolicyFile,
    /// The entries of its `state`.
    pub entries: StateEntries,
    /// The reason why Envoy rejects the policy in it.
    pub invalid: Option<String>,
}

/// A valid policy of the operator.
#[derive(Clone)]
pub struct EditedPolicy {
    pub file: PolicyFile,
    pub config: PluginConfig,
}

/// Reads the watched file.
pub fn read_watched(path: &Path) -> Result<Option<WatchedFile>> {
    let name = format!("file {}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(name),
    };
    let remedy = "it contains the state of all sites: restore it from a backup; or, if the policy is an ECDS file too, \
                  remove it, so that the next change creates it with the state that Envoys report";
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
    Ok(Some(WatchedFile { entries: StateEntries::of(&file.policy), file, invalid }))
}

/// Reads and compiles the operator's policy. If the file has only the policy, it is put into the extension of `around`.
pub fn read_edited(path: &Path, around: Option<&PolicyFile>) -> Result<EditedPolicy> {
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
