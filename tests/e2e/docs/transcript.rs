//! Fences `text transcript`: commands and what they print, as a test has produced them.
//!
//! With `UPDATE_DOCS=1`, [`assert_documented`] writes the fences of the page again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use hmac_sha256::Hash;
use regex_lite::{Captures, Regex};
use tokio::process::Command;

use super::markdown;
use crate::support::client::Output;
use crate::support::maintctl;

const FENCE: &str = "```text transcript\n";

/// Replaces what differs from run to run: addresses, random names, and seconds.
#[derive(Default)]
pub struct Normalizer {
    texts: Vec<(String, String)>,
    names: BTreeMap<String, String>,
}

impl Normalizer {
    /// Replaces this text from now on.
    pub fn replace(&mut self, text: impl Into<String>, by: &str) {
        self.texts.push((text.into(), by.to_owned()));
    }

    /// The text without anything that differs from run to run.
    pub fn normalize(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.texts {
            text = text.replace(from, to);
        }
        for (pattern, replacement) in [(r"\b(\d\d:\d\d):\d\d\b", "$1:00"), (r"\b\d+ ms\b", "60 ms")] {
            text = Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
        }
        let names = Regex::new(r"\b(edge-\d/|vm-\d/|h)([0-9a-f]{8})\b").unwrap();
        let rename = |found: &Captures<'_>| format!("{}{}", &found[1], self.name(&found[1], &found[2]));
        names.replace_all(&text, rename).into_owned()
    }

    /// Eight digits in place of random ones, by the order in which they appear after this prefix.
    fn name(&mut self, prefix: &str, random: &str) -> String {
        let key = |number: usize| format!("{prefix}{number}");
        let number = (0..).find(|number| self.names.get(&key(*number)).is_none_or(|known| known == random)).unwrap();
        self.names.insert(key(number), random.to_owned());
        let digest = Hash::hash(key(number).as_bytes());
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A shell that runs a command in this folder, with both outputs in one, and without the user's configuration.
pub fn shell(folder: &Path, line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1; {line}")]).current_dir(folder);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let installed = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let paths = [maintctl().parent().unwrap().to_owned()].into_iter().chain(installed);
    shell.env("PATH", std::env::join_paths(paths).unwrap()).env("TZ", "UTC").env("no_proxy", "*");
    for name in ["MAINTCTL_CONFIG", "MAINTCTL_KEY", "MAINTCTL_TARGET", "MAINTCTL_BY"] {
        shell.env_remove(name);
    }
    shell
}

/// A command, its output, and its exit code if that is not 0.
pub fn command(line: &str, output: &Output) -> String {
    let shown = format!("$ {line}\n{}", output.stdout);
    if output.code == 0 { shown } else { format!("{shown}[exit code {}]\n", output.code) }
}

/// Asserts that the transcripts of this page are these, in this order.
pub fn assert_documented(page: &str, transcripts: &[String]) {
    let file = markdown::file(page);
    let text = fs::read_to_string(&file.path).unwrap();
    let mut parts = text.split(FENCE);
    let mut current = parts.next().unwrap_or_default().to_owned();
    let mut documented = 0;
    for (part, transcript) in parts.zip(transcripts) {
        let (_, rest) = part.split_once("```\n").unwrap();
        current.push_str(&format!("{FENCE}{transcript}```\n{rest}"));
        documented += 1;
    }
    assert_eq!(documented, transcripts.len(), "{page} needs one fence `text transcript` for each of {transcripts:#?}");
    assert_eq!(text.matches(FENCE).count(), documented, "{page} has a transcript that no test produces");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file.path, &current).unwrap();
    } else {
        let (old, new): (Vec<_>, Vec<_>) = (text.lines().collect(), current.lines().collect());
        let differs =
            (0..).find(|line| old.get(*line) != new.get(*line)).filter(|line| *line < old.len().max(new.len()));
        if let Some(line) = differs {
            let run = "if that is right, run: UPDATE_DOCS=1 make e2e TESTS=night";
            panic!("{page}:{}: {:?}, but now {:?}; {run}", line + 1, old.get(line), new.get(line));
        }
    }
}
