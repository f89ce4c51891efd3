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

/// The thumbprint of the key in transcripts.
const KEY_ID: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
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

    /// The text without anything that differs from run to run. The columns of tables are aligned again.
    ///
    /// A table begins with a line of column names. It ends before the first line that is no row.
    pub fn normalize(&mut self, text: &str) -> String {
        let (mut lines, mut normalized) = (text.lines().peekable(), String::new());
        while let Some(line) = lines.next() {
            let Some(starts) = columns(line) else {
                normalized.extend([&self.plain(line), "\n"]);
                continue;
            };
            let is_row = |row: &&str| !row.contains(": ") && row.chars().count() > starts[1];
            let mut rows = vec![cells(line, &starts)];
            rows.extend(std::iter::from_fn(|| lines.next_if(is_row)).map(|row| cells(row, &starts)));
            for cell in rows.iter_mut().flatten() {
                *cell = self.plain(cell);
            }
            normalized.push_str(&align(rows));
        }
        normalized
    }

    /// Text outside of tables, or in one cell.
    fn plain(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.texts {
            text = text.replace(from, to);
        }
        let text = Regex::new("[A-Za-z0-9_-]{43}").unwrap().replace_all(&without_seconds(&text), KEY_ID).into_owned();
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

/// Times without seconds, and lengths of time in minutes. Times in RFC 3339 keep zeros.
fn without_seconds(text: &str) -> String {
    let times = Regex::new(r"(T?)\b(\d\d:\d\d):\d\d\b").unwrap();
    let time = |found: &Captures<'_>| [&found[1], &found[2], if found[1].is_empty() { "" } else { ":00" }].concat();
    let lengths = Regex::new(r"\b(\d+)m(\d+)s\b").unwrap();
    let length = |found: &Captures<'_>| {
        let number = |at: usize| found[at].parse::<u64>().unwrap();
        format!("{}m", number(1) + (number(2) + 30) / 60)
    };
    lengths.replace_all(&times.replace_all(text, time), length).into_owned()
}

/// The positions of the columns in a line of at least two column names.
fn columns(line: &str) -> Option<Vec<usize>> {
    let names: Vec<&str> = line.split_whitespace().collect();
    let is_head = names.len() > 1 && names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_uppercase()));
    is_head.then(|| names.iter().filter_map(|name| line.find(name)).collect())
}

/// The cells of a row whose columns begin at these positions.
fn cells(row: &str, starts: &[usize]) -> Vec<String> {
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    let cell = |(start, end): (&usize, usize)| row.chars().skip(*start).take(end - start).collect::<String>();
    starts.iter().zip(ends).map(|column| cell(column).trim().to_owned()).collect()
}

/// A table with its head. The number of refused requests depends on the speed of the machine, so it is always 12.
fn align(mut rows: Vec<Vec<String>>) -> String {
    let refused = rows[0].iter().position(|name| name == "REFUSED");
    for cell in rows.iter_mut().skip(1).filter_map(|row| row.get_mut(refused?)).filter(|cell| !cell.is_empty()) {
        "12".clone_into(cell);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
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
        let differs = (0..old.len().max(new.len())).find(|line| old.get(*line) != new.get(*line));
        if let Some(line) = differs {
            let run = "if that is right, run: UPDATE_DOCS=1 make e2e TESTS=as_documented";
            panic!("{page}:{}: {:?}, but now {:?}; {run}", line + 1, old.get(line), new.get(line));
        }
    }
}
