//! `maintctl.toml`: finds and reads the file, and selects a target.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use envoy_maintenance::tree::fields::did_you_mean;
use serde::Deserialize;

use crate::args::common::Global;

/// The name of the file.
pub const FILE: &str = "maintctl.toml";

/// The configuration, and its folder, to which its paths are relative.
#[derive(Debug)]
pub struct Config {
    pub folder: PathBuf,
    /// The file as an operator names it.
    pub name: String,
    pub file: ConfigFile,
}

/// `maintctl.toml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    pub default: Option<String>,
    pub fleet: Option<String>,
    pub key: Option<PathBuf>,
    pub key_command: Option<Vec<String>>,
    /// The file to which every change is appended.
    pub journal: Option<PathBuf>,
    #[serde(default, rename = "target")]
    pub targets: BTreeMap<String, TargetConfig>,
}

/// One target as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    #[serde(default)]
    pub envoys: Vec<String>,
    pub file: Option<PathBuf>,
    pub policy: Option<PathBuf>,
    pub expect: Option<usize>,
    #[serde(default)]
    pub admin: Vec<String>,
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub cert_key: Option<PathBuf>,
}

impl Config {
    /// Finds and reads the configuration.
    pub fn load(global: &Global) -> Result<Config> {
        let home = config_folder(env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME"));
        let path = find(global.config.as_deref(), home.as_deref())?;
        match path.try_exists() {
            Ok(false) => bail!("{}: no such file (set by --config or MAINTCTL_CONFIG)", path.display()),
            _ => Config::read(&path),
        }
    }

    /// Reads the file `path`.
    pub fn read(path: &Path) -> Result<Config> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let file = toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Config { folder, name: path.display().to_string(), file })
    }

    /// The target that `--target` names, else the default, else the only one.
    pub fn target(&self, named: Option<&str>) -> Result<(&str, &TargetConfig)> {
        let targets = &self.file.targets;
        let names = || targets.keys().map(String::as_str);
        let listed = || names().collect::<Vec<_>>().join(", ");
        match (named.or(self.file.default.as_deref()), targets.len()) {
            (_, 0) => bail!(
                "{} has no target; add one, such as:\n\n[target.local]\nenvoys = [\"http://127.0.0.1:10001/.maintenance\"]",
                self.name
            ),
            (Some(name), _) => match targets.get_key_value(name) {
                Some((name, target)) => Ok((name, target)),
                None => {
                    bail!(
                        "unknown target \"{name}\" in {}{} (targets: {})",
                        self.name,
                        did_you_mean(name, names()),
                        listed()
                    )
                }
            },
            (None, 1) => targets.iter().next().map(|(name, target)| (name.as_str(), target)).context("no target"),
            (None, _) => bail!("{} has no default target; use --target NAME (targets: {})", self.name, listed()),
        }
    }

    /// A path of the configuration, relative to the current directory.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// The folder of maintctl in the user's configuration folder (XDG Base Directory Specification).
fn config_folder(xdg: Option<std::ffi::OsString>, home: Option<std::ffi::OsString>) -> Option<PathBuf> {
    let base = match xdg.map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(path) => path,
        None => PathBuf::from(home.filter(|home| !home.is_empty())?).join(".config"),
    };
    Some(base.join("maintctl"))
}

/// The file on the command line, else the one in the current directory, else the user's.
fn find(named: Option<&Path>, home: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.to_path_buf());
    }
    let mut places = vec![PathBuf::from(FILE)];
    places.extend(home.map(|home| home.join(FILE)));
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => {
            let there = home.map_or_else(String::new, |home| format!(" or in {}", home.display()));
            bail!("no {FILE} in the current directory{there}; create one with `maintctl init`, or use --config FILE")
        }
    }
}

#[cfg(test)]
mod tests;
