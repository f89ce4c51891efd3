//! The journal: a file to which every change appends one line of JSON, with its time, author, command and outcome.
//!
//! Its path is `journal` in `maintctl.toml`. A document keeps the newest five maintenances only; the journal keeps all
//! that this configuration has made.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use envoy_maintenance::state::Past;
use envoy_maintenance::time::Time;
use serde_json::{Map, Value, json};

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport, SiteChange, user_at_host};

/// The longest wait for the lock of the journal.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The change that is being made. If a signal ends maintctl, its entry says so.
static CURRENT: Mutex<Option<(std::path::PathBuf, Value)>> = Mutex::new(None);

/// Notes that a change begins.
pub fn begin(target: &Target, options: &ChangeOptions) {
    if let Some(path) = &target.journal {
        let entry =
            entry(target, options, json!({ "sites": [], "error": "interrupted; the change may have been made" }));
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some((path.clone(), entry));
    }
}

/// Appends an entry about the change that a signal has interrupted.
pub fn interrupted() {
    if let Some((path, entry)) = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        append_or_warn(&path, &entry);
    }
}

/// Appends the result of a change. A command that changed nothing has no entry.
pub fn record(target: &Target, options: &ChangeOptions, result: &Result<ChangeReport>) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let Some(path) = &target.journal else { return };
    let outcome = match result {
        Ok(report) if !has_changed(report) => return,
        Ok(report) => outcome(report),
        Err(error) => json!({ "sites": [], "error": format!("{error:#}") }),
    };
    append_or_warn(path, &entry(target, options, outcome));
}

/// True if the command changed a site, wrote an edited policy, or updated an Envoy.
fn has_changed(report: &ChangeReport) -> bool {
    let is_silent = report.repaired.is_empty() && report.brought.is_empty();
    !is_silent || report.sites.iter().any(|change| change.changed)
}

/// The maintenances in the journal that have ended, and the newest document of each site.
#[derive(Debug, Default)]
pub struct Recorded {
    pub past: Vec<(String, Past)>,
    pub newest: Vec<Draft>,
}

/// Reads the entries of one target. Lines that are not valid are skipped with a warning.
pub fn read(target: &Target) -> Recorded {
    let mut recorded = Recorded::default();
    let Some(path) = &target.journal else { return recorded };
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return recorded,
        Err(error) => {
            aside!("warning: the journal {} cannot be read: {error}", path.display());
            return recorded;
        }
    };
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_str::<Value>(line) {
            Ok(entry) if entry.get("target").and_then(Value::as_str) == Some(&target.name) => recorded.add(&entry),
            Ok(_) => {}
            Err(_) => aside!("warning: the journal {} has an invalid line, {}", path.display(), index + 1),
        }
    }
    recorded
}

impl Recorded {
    fn add(&mut self, entry: &Value) {
        let sites = entry.get("sites").and_then(Value::as_array).into_iter().flatten();
        for site in sites {
            let (Some(name), Some(Value::Object(members))) =
                (site.get("site").and_then(Value::as_str), site.get("document"))
            else {
                continue;
            };
            let draft = Draft::from_members(name, members.clone());
            let Ok(document) = draft.read() else { continue };
            for past in document.past {
                let past = (name.to_owned(), past);
                if !self.past.contains(&past) {
                    self.past.push(past);
                }
            }
            self.newest.retain(|known| known.site() != name);
            self.newest.push(draft);
        }
    }
}

/// An entry with these members about the outcome.
fn entry(target: &Target, options: &ChangeOptions, outcome: Value) -> Value {
    let mut entry = Map::new();
    entry.insert("time".to_owned(), times::time(&times::now()).to_string().into());
    entry.insert("by".to_owned(), options.by.as_str().into());
    entry.insert("user".to_owned(), user_at_host().into());
    entry.insert("command".to_owned(), words().into());
    entry.insert("target".to_owned(), target.name.as_str().into());
    entry.extend(outcome.as_object().cloned().unwrap_or_default());
    entry.into()
}

/// The words of the command line. Of a command after `--`, only its name, because its arguments may contain secrets.
fn words() -> Vec<String> {
    let mut words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(dashes) = words.iter().position(|word| word == "--") {
        words.truncate(dashes + 2);
    }
    words
}

fn outcome(report: &ChangeReport) -> Value {
    let now = times::time(&times::now());
    let sites: Vec<Value> = report.sites.iter().map(|change| site(change, now)).collect();
    let adoption = report.adoption.as_ref().map(|adoption| {
        let lagging: Vec<String> = adoption.lagging.iter().map(|failure| failure.line()).collect();
        json!({ "total": adoption.total, "adopted": adoption.adopted, "lagging": lagging })
    });
    json!({ "sites": sites, "envoys": adoption, "repaired": report.repaired, "policy": report.brought })
}

fn site(change: &SiteChange, now: Time) -> Value {
    let state = |draft: &Draft| {
        let mode = draft.read().ok().map(|document| document.at(now).mode().name());
        json!({ "mode": mode, "revision": draft.revision() })
    };
    json!({
        "site": change.site,
        "changed": change.changed,
        "before": state(&change.before),
        "after": state(&change.after),
        "document": change.after.members(),
    })
}

fn append_or_warn(path: &Path, entry: &Value) {
    if let Err(error) = append(path, entry) {
        aside!("warning: the journal {} cannot be written: {error:#}; the change is not affected", path.display());
    }
}

/// Appends one line. The lock keeps the lines of several maintctl apart. Without it, the line is complete too, unless the
/// file is on a network; so a program that keeps the lock must not stop a change.
fn append(path: &Path, entry: &Value) -> Result<()> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(error).context("lock"),
        }
    }
    let start = if ends_with_line(&mut file)? { "" } else { "\n" };
    file.write_all(format!("{start}{entry}\n").as_bytes())?;
    Ok(())
}

/// False if the last line was not written completely.
fn ends_with_line(file: &mut File) -> Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0; 1];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
