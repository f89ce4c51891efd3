//! `maintctl init`: creates a key pair and `maintctl.toml`. Existing files are kept.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::args::InitArgs;
use crate::args::common::Global;
use crate::config::file::{Config, FILE};
use crate::config::keys::SigningKey;
use crate::envoys::status::is_name;
use crate::exit::ExitError;

const FLEET: &str = "demo";
const KEY: &str = "maintctl.key";
const ENVOY: &str = "http://127.0.0.1:10001/.maintenance";

pub fn run(global: &Global, args: &InitArgs) -> Result<ExitCode> {
    if let Some(fleet) = args.fleet.as_deref().filter(|fleet| !is_name(fleet)) {
        bail!(ExitError::Usage(format!("--fleet \"{fleet}\": not a name of at most 63 characters of a-z, 0-9 and -")));
    }
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let shown = path.display();
    let is_new = !exists(&path)?;
    if is_new {
        let text = text(global.target.as_deref().unwrap_or("local"), args);
        write_new(&path, &text).with_context(|| format!("{shown}"))?;
        aside!("created {shown}");
    } else {
        aside!("{shown} exists, and is kept");
    }
    // The file is read as every other command reads it, so that the output matches their behaviour.
    let config = Config::read(&path)?;
    if !is_new {
        require_same_target(&config, global, args)
            .map_err(|problem| ExitError::Usage(format!("{shown}: {problem}")))?;
    }
    let fleet = fleet(&config, args, &path)?;
    if let (Some(key), None) = (&config.file.key, &config.file.key_command) {
        create_key(&config.path(key))?;
    }
    let key = SigningKey::load(&config)?.with_context(|| {
        format!("{shown} has neither `key` nor `key_command`; add `key = \"{KEY}\"`, and run `maintctl init` again")
    })?;
    let jwk = key.jwk()?;
    aside!(
        "\nAdd this to the policy, so that Envoy accepts the documents that this key signs:\n\n\
         fleet: {fleet}\nkeys:\n- {{ name: {}, jwk: {jwk}, sites: [\"*\"], may: [state] }}\n\
         control: {{ path_prefix: \"/.maintenance\" }}   # only on a listener that is not public\n",
        key_name(),
    );
    answer!("{jwk}");
    Ok(ExitCode::SUCCESS)
}

/// The fleet of the configuration. A different one on the command line is an error.
fn fleet(config: &Config, args: &InitArgs, path: &Path) -> Result<String> {
    let shown = path.display();
    match (&config.file.fleet, &args.fleet) {
        (Some(fleet), Some(other)) if fleet != other => {
            bail!(ExitError::Usage(format!("--fleet \"{other}\": {shown} says `fleet = \"{fleet}\"`; change it there")))
        }
        (Some(fleet), _) => Ok(fleet.clone()),
        (None, _) => bail!("{shown} has no `fleet`; add the fleet of the policy"),
    }
}

/// Fails if the flags describe a target that differs from the one in an existing file.
fn require_same_target(config: &Config, global: &Global, args: &InitArgs) -> Result<(), String> {
    let target = config.target(global.target.as_deref()).ok().map(|(_, target)| target.clone()).unwrap_or_default();
    let slash = |urls: &[String]| urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect::<Vec<_>>();
    let differs = |flag: &str| Err(format!("--{flag} differs from the file, which is kept; change it there"));
    if !args.envoys.is_empty() && slash(&args.envoys) != slash(&target.envoys) {
        return differs("envoys");
    }
    if args.file.is_some() && args.file != target.file {
        return differs("file");
    }
    if args.policy.is_some() && args.policy != target.policy {
        return differs("policy");
    }
    Ok(())
}

/// Creates the key file, unless it exists.
fn create_key(path: &Path) -> Result<()> {
    let shown = path.display();
    if exists(path)? {
        aside!("{shown} exists, and is kept");
        return Ok(());
    }
    SigningKey::generate().write_new(path).with_context(|| format!("{shown}"))?;
    aside!("created {shown}; keep it secret");
    Ok(())
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().with_context(|| format!("{}", path.display()))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The text of a new configuration file.
fn text(target: &str, args: &InitArgs) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let header = if !target.is_empty() && target.chars().all(bare) { target.to_owned() } else { quoted(target) };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| quoted(&path.to_string_lossy()));
    let mut text = format!(
        "default = {target}\nfleet = {}\nkey = {}\n\n[target.{header}]\n",
        quoted(args.fleet.as_deref().unwrap_or(FLEET)),
        quoted(KEY),
        target = quoted(target),
    );
    let envoys = if args.envoys.is_empty() { vec![ENVOY.to_owned()] } else { args.envoys.clone() };
    let envoys: Vec<String> = envoys.iter().map(|url| quoted(url)).collect();
    text.push_str(&format!("envoys = [{}]\n", envoys.join(", ")));
    if let (Some(file), Some(policy)) = (path(&args.file), path(&args.policy)) {
        text.push_str(&format!("file = {file}\npolicy = {policy}\n"));
    }
    text
}

/// The name of the key in the policy: the user's.
fn key_name() -> String {
    let user = std::env::var("USER").unwrap_or_default().to_ascii_lowercase();
    let name: String = user.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    if name.is_empty() { "operator".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
