//! `maintctl init`: a key pair and `maintctl.toml`. Nothing that exists is overwritten.

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
        bail!(ExitError::Usage(format!("--fleet \"{fleet}\": only a-z, 0-9 and -, at most 63")));
    }
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let shown = path.display();
    match exists(&path)? {
        true => aside!("{shown} is there already: kept"),
        false => {
            let text = text(global.target.as_deref().unwrap_or("local"), args);
            write_new(&path, &text).with_context(|| format!("{shown}"))?;
            aside!("made {shown}");
        }
    }
    // From here on as every other command reads it, so that what is printed is what they go by.
    let config = Config::read(&path)?;
    let fleet = match (&config.file.fleet, &args.fleet) {
        (Some(fleet), Some(other)) if fleet != other => {
            bail!(ExitError::Usage(format!("--fleet \"{other}\": {shown} says `fleet = \"{fleet}\"`; change it there")))
        }
        (fleet, _) => {
            fleet.as_ref().with_context(|| format!("{shown} has no `fleet`: put it there, as the policy has it"))?
        }
    };
    if let (Some(key), None) = (&config.file.key, &config.file.key_command) {
        make_key(&config.path(key))?;
    }
    let key = SigningKey::load(&config)?.with_context(|| {
        format!(
            "{shown} has neither `key` nor `key_command`: put `key = \"{KEY}\"` there, and `maintctl init` makes it"
        )
    })?;
    let jwk = key.jwk()?;
    aside!(
        "\nPut this into the policy, so that Envoy takes what this key signs:\n\n\
         fleet: {fleet}\nkeys:\n- {{ name: {}, jwk: {jwk}, sites: [\"*\"], may: [state] }}\n\
         control: {{ path_prefix: \"/.maintenance\" }}   # only where a listener is not public\n",
        key_name(),
    );
    answer!("{jwk}");
    Ok(ExitCode::SUCCESS)
}

/// Makes a key, if there is none yet.
fn make_key(path: &Path) -> Result<()> {
    let shown = path.display();
    if exists(path)? {
        aside!("{shown} is there already: kept");
        return Ok(());
    }
    SigningKey::generate().write_new(path).with_context(|| format!("{shown}"))?;
    aside!("made {shown}: keep it secret");
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

/// The configuration file.
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
    let envoys: Vec<String> = match (args.envoys.is_empty(), &args.file) {
        (true, None) => vec![quoted(ENVOY)],
        _ => args.envoys.iter().map(|url| quoted(url)).collect(),
    };
    if !envoys.is_empty() {
        text.push_str(&format!("envoys = [{}]\n", envoys.join(", ")));
    }
    if let (Some(file), Some(policy)) = (path(&args.file), path(&args.policy)) {
        text.push_str(&format!("file = {file}\npolicy = {policy}\n"));
    }
    text
}

/// A name for the key in the policy, after its owner.
fn key_name() -> String {
    let user = std::env::var("USER").unwrap_or_default().to_ascii_lowercase();
    let name: String = user.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    if name.is_empty() { "operator".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
