//! Suggestions for words that maintctl does not know. A suggestion never does the opposite of the word that was typed.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// The effect of a subcommand on visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VerbEffect {
    Closes,
    Opens,
}

/// Words for the two subcommands that switch sites.
const SYNONYMS: [(VerbEffect, &[&str]); 2] = [
    (
        VerbEffect::Closes,
        &[
            "on",
            "activate",
            "offline",
            "closed",
            "closing",
            "shut",
            "shutdown",
            "down",
            "block",
            "lock",
            "freeze",
            "readonly",
            "read_only",
            "maintenance_on",
            "enable_maintenance",
            "setmaintenance on",
            "downtime_start",
        ],
    ),
    (
        VerbEffect::Opens,
        &[
            "off",
            "deactivate",
            "online",
            "opened",
            "opening",
            "reopen",
            "unblock",
            "unlock",
            "unfreeze",
            "up",
            "restore",
            "release",
            "live",
            "maintenance_off",
            "disable_maintenance",
            "downtime_end",
        ],
    ),
];

/// Words that mean either subcommand: the start of a maintenance is the stop of a site.
const AMBIGUOUS: [&str; 14] = [
    "start",
    "stop",
    "begin",
    "end",
    "enable",
    "disable",
    "toggle",
    "switch",
    "set",
    "pause",
    "resume",
    "maintenance",
    "mode",
    "inactivate",
];

/// Words for other subcommands.
const OTHER_WORDS: [(&str, &[&str]); 9] = [
    ("status", &["state", "show", "list", "ls", "get", "info", "ps", "sites", "watch"]),
    ("history", &["log", "logs", "past", "journal", "audit"]),
    ("schedule", &["plan", "window", "at", "later"]),
    ("cancel", &["unschedule", "delete", "remove", "rm"]),
    ("lint", &["validate", "verify", "test"]),
    ("explain", &["why", "simulate", "request", "curl"]),
    ("update", &["edit", "change", "modify", "extend", "patch"]),
    ("init", &["setup", "keygen", "configure", "new", "create"]),
    ("completions", &["completion", "complete"]),
];

/// Flags of other programs, and the flags of maintctl with the same meaning.
const FLAGS: [(&str, &str); 18] = [
    ("--author", "--by"),
    ("--comment", "--note"),
    ("--duration", "--for"),
    ("--dryrun", "--dry-run"),
    ("--file", "--policy"),
    ("--lasting", "--for"),
    ("--message", "--reason"),
    ("--msg", "--reason"),
    ("--no-act", "--dry-run"),
    ("--no-wait", "--wait=false"),
    ("--nowait", "--wait=false"),
    ("--output", "--json"),
    ("--readonly", "--read-only"),
    ("--ro", "--read-only"),
    ("--start", "--from"),
    ("--title", "--reason"),
    ("--to", "--until"),
    ("--user", "--by"),
];

/// Replaces the suggestions of an error about an unknown word.
pub fn improve(mut error: Error, words: &[String], command: &Command) -> Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return error };
            let tip = verb(typed, command);
            error.remove(ContextKind::SuggestedSubcommand);
            set_tip(&mut error, tip);
        }
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return error };
            if let Some(negative) = negative_value(typed, words) {
                return command.clone().error(ErrorKind::ValueValidation, negative);
            }
            let tip = flag(typed, words, command);
            // clap suggests `-- --forr`, which would run a command of this name.
            error.remove(ContextKind::Suggested);
            error.remove(ContextKind::SuggestedArg);
            // It names the flag that clap would suggest.
            error.remove(ContextKind::Usage);
            set_tip(&mut error, tip);
        }
        _ => {}
    }
    error
}

fn set_tip(error: &mut Error, tip: Option<String>) {
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}

/// The suggestion for an unknown subcommand.
fn verb(typed: &str, command: &Command) -> Option<String> {
    let typed = typed.to_lowercase().replace('-', "_");
    let both = "to close a site: maintctl close SITE; to open it: maintctl open SITE";
    if AMBIGUOUS.contains(&typed.as_str()) {
        return Some(both.to_owned());
    }
    for (effect, words) in SYNONYMS {
        if words.contains(&typed.as_str()) {
            return Some(similar(effect.verb()));
        }
    }
    let is_known = |verb: &str| command.find_subcommand(verb).is_some_and(|verb| !verb.is_hide_set());
    if let Some((verb, _)) = OTHER_WORDS.iter().find(|(verb, words)| is_known(verb) && words.contains(&typed.as_str()))
    {
        return Some(similar(verb));
    }
    let mut nearest: Vec<&str> = near(&typed, &verbs(command));
    nearest.dedup();
    let closes = nearest.iter().any(|verb| VerbEffect::of(verb) == Some(VerbEffect::Closes));
    let opens = nearest.iter().any(|verb| VerbEffect::of(verb) == Some(VerbEffect::Opens));
    match nearest.first() {
        _ if closes && opens => Some(both.to_owned()),
        Some(nearest) => {
            let effect = VerbEffect::of(nearest).map(VerbEffect::verb);
            Some(similar(effect.unwrap_or(nearest)))
        }
        None => None,
    }
}

fn similar(verb: &str) -> String {
    format!("did you mean: maintctl {verb}")
}

impl VerbEffect {
    fn verb(self) -> &'static str {
        match self {
            VerbEffect::Closes => "close",
            VerbEffect::Opens => "open",
        }
    }

    fn of(word: &str) -> Option<VerbEffect> {
        let is_word = |effect: VerbEffect, words: &[&str]| word == effect.verb() || words.contains(&word);
        SYNONYMS.into_iter().find(|(effect, words)| is_word(*effect, words)).map(|(effect, _)| effect)
    }
}

/// The subcommands, and the words for them.
fn verbs(command: &Command) -> Vec<&str> {
    let own = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(Command::get_name);
    own.chain(SYNONYMS.into_iter().flat_map(|(_, words)| words).copied()).collect()
}

/// The words at the smallest distance from `typed`. A word with another first letter may be a negation, such as
/// `inactivate`.
fn near<'w>(typed: &str, words: &[&'w str]) -> Vec<&'w str> {
    let limit = (typed.len() / 3).clamp(1, 3);
    let candidates: Vec<(usize, &str)> = words
        .iter()
        .filter(|word| word.chars().next() == typed.chars().next())
        .map(|word| (strsim::osa_distance(typed, word), *word))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    let least = candidates.iter().map(|(distance, _)| *distance).min();
    candidates.into_iter().filter(|(distance, _)| Some(*distance) == least).map(|(_, word)| word).collect()
}

/// The suggestion for an unknown flag.
fn flag(typed: &str, words: &[String], command: &Command) -> Option<String> {
    let name = typed.split('=').next().unwrap_or(typed);
    let used = words.iter().find_map(|word| command.find_subcommand(word)).unwrap_or(command);
    let flags = used.get_arguments().chain(command.get_arguments()).filter(|arg| !arg.is_hide_set());
    let flags: Vec<String> = flags.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
    let is_known = |flag: &str| flags.iter().any(|known| known == flag.split('=').next().unwrap_or(flag));
    let similar = |flag: &str| Some(format!("did you mean: {flag}"));
    if let Some((_, flag)) = FLAGS.iter().find(|(other, flag)| *other == name && is_known(flag)) {
        return similar(flag);
    }
    if name == "--site" || name == "--sites" {
        return Some("sites have no flag: maintctl close SITE".to_owned());
    }
    let long = name.strip_prefix("--")?;
    let known: Vec<&str> = flags.iter().filter_map(|flag| flag.strip_prefix("--")).collect();
    similar(&format!("--{}", near(long, &known).first()?))
}

/// The error for a negative value such as `-5m`, which looks like a flag.
fn negative_value(typed: &str, words: &[String]) -> Option<String> {
    if !typed.strip_prefix('-')?.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let at = words.iter().position(|word| word.starts_with(typed))?;
    let value = words.get(at)?;
    let flag = words.get(at.checked_sub(1)?).filter(|word| word.starts_with("--"))?;
    let positive = value.trim_start_matches('-');
    Some(format!("{flag} {value}: times and durations count forwards; write {flag} {positive}"))
}

#[cfg(test)]
mod tests;
