//! Other names of the subcommands: short aliases, and the commands of the Django packages.
//!
//! The words of the command line are translated before they are parsed: `offline on --force` becomes `close --force`.

use std::ffi::{OsStr, OsString};

/// The flags of [`Global`](crate::args::common::Global) that take a value. They may precede the subcommand.
const GLOBAL_FLAGS: [&str; 2] = ["--config", "--target"];

/// A command line in the words of maintctl.
#[derive(Debug, PartialEq, Eq)]
pub struct Translation {
    pub words: Vec<OsString>,
    /// The words that were translated, if any.
    pub alias: Option<Alias>,
}

/// A subcommand that was typed by another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The words as typed, such as `offline on`.
    pub typed: String,
    /// The subcommand of maintctl.
    pub verb: &'static str,
    /// True if the words are a command of a Django package, which the operator should replace.
    pub is_foreign: bool,
}

/// The commands of the Django packages that take an action.
const WITH_ACTION: [&str; 3] = ["offline", "maintenance_mode", "setmaintenance"];

/// Translates a command line. `words` include the name of the program.
///
/// # Errors
/// The advice for a command of a Django package that has no translation.
pub fn translate(words: Vec<OsString>) -> Result<Translation, String> {
    let unchanged = |words| Ok(Translation { words, alias: None });
    let Some(at) = verb_position(&words) else { return unchanged(words) };
    let typed = words.get(at).and_then(|word| word.to_str()).unwrap_or_default().replace('-', "_");
    if let Some(verb) = short(&typed).or_else(|| downtime(&typed)) {
        let alias = Alias { is_foreign: downtime(&typed).is_some(), typed, verb };
        return Ok(with_verb(words, at, alias));
    }
    if !WITH_ACTION.contains(&typed.as_str()) {
        return unchanged(words);
    }
    let mut words = words;
    let own = words.iter().skip(at + 1).take_while(|word| *word != "--");
    let found = own.enumerate().find_map(|(index, word)| Some((index, action(word)?)));
    let Some((index, verb)) = found else {
        return Err(format!(
            "`{typed}` needs on or off; in maintctl, these are `maintctl close` and `maintctl open`, and `maintctl status` \
             shows the state"
        ));
    };
    let action = words.remove(at + 1 + index).to_string_lossy().into_owned();
    let alias = Alias { typed: format!("{typed} {action}"), verb, is_foreign: true };
    check_timeout(&words, &alias)?;
    if has_start(&words) { Ok(scheduled(words, at, alias)) } else { Ok(with_verb(words, at, alias)) }
}

/// The position of the subcommand. `help` precedes the subcommand that it describes.
fn verb_position(words: &[OsString]) -> Option<usize> {
    let mut position = 1;
    loop {
        let word = words.get(position)?.to_str()?;
        position += match word {
            "help" => 1,
            _ if GLOBAL_FLAGS.contains(&word) => 2,
            _ if GLOBAL_FLAGS.iter().any(|flag| word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))) => 1,
            _ => return Some(position),
        };
    }
}

/// The subcommand of a short alias.
fn short(typed: &str) -> Option<&'static str> {
    match typed {
        "on" | "activate" => Some("close"),
        "off" | "deactivate" => Some("open"),
        "check" => Some("status"),
        _ => None,
    }
}

/// The subcommand of a command of django-downtime.
fn downtime(typed: &str) -> Option<&'static str> {
    match typed {
        "downtime_start" => Some("close"),
        "downtime_end" => Some("open"),
        _ => None,
    }
}

/// The subcommand of the action of a Django command.
fn action(word: &OsStr) -> Option<&'static str> {
    match word.to_str()? {
        "status" => Some("status"),
        other => short(other),
    }
}

fn with_verb(mut words: Vec<OsString>, at: usize, alias: Alias) -> Translation {
    if let Some(word) = words.get_mut(at) {
        *word = alias.verb.into();
    }
    Translation { words, alias: Some(alias) }
}

/// The flag of django-maintenance-mode for the start of a maintenance.
const START: &str = "--start";

fn has_start(words: &[OsString]) -> bool {
    words.iter().any(|word| word.to_str().is_some_and(|word| word == START || word.starts_with("--start=")))
}

/// A window, for a command with `--start`. Without `--end`, it stays until the site is opened.
fn scheduled(words: Vec<OsString>, at: usize, alias: Alias) -> Translation {
    let has_end = words.iter().any(|word| word.to_string_lossy().starts_with("--end"));
    let rename = |word: OsString| match word.to_str().and_then(|word| word.strip_prefix(START)) {
        Some(rest) if rest.is_empty() || rest.starts_with('=') => format!("--from{rest}").into(),
        _ => word,
    };
    let mut words: Vec<OsString> = words.into_iter().map(rename).collect();
    if !has_end {
        words.push("--stay".into());
    }
    with_verb(words, at, Alias { verb: "schedule", ..alias })
}

/// Fails if `--timeout` has no unit: in the Django packages, it is the time to wait for the sessions of visitors.
fn check_timeout(words: &[OsString], alias: &Alias) -> Result<(), String> {
    let texts: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let next = texts.windows(2).find_map(|pair| (pair.first() == Some(&"--timeout")).then(|| pair.get(1).copied())?);
    let value = next.or_else(|| texts.iter().find_map(|word| word.strip_prefix("--timeout=")));
    match value {
        Some(value) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => Err(format!(
            "--timeout {value}: maintctl does not wait for the sessions of visitors as `{}` did, so omit --timeout; in \
             maintctl, it is the time to wait for Envoys, such as `maintctl {} --timeout 10s`",
            alias.typed, alias.verb
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
