//! The policies that plugins have refused: `refused`.
//!
//! Envoy offers a new policy on its main thread, to a VM that it deletes at once if the policy is refused. The note in
//! shared data is therefore the only trace of it. Envoy deletes the shared data of a VM id with its last VM, so a note lasts
//! only while another plugin, such as that of the control listener, has the same VM id.
//!
//! The value has one line for each plugin: the digest of the last accepted policy (`-` if there is none), the time in
//! milliseconds and the plugin, separated by spaces; then a tab and the error, which is empty if the last policy was
//! accepted.

use super::host::{self, HostError};
use super::register;
use crate::state::Digest;
use crate::time::Time;

const KEY: &str = "refused";
/// The longest value, in bytes. Beyond it, the line that changed least recently is dropped.
const MAX_VALUE: usize = 64 * 1024;
/// The longest error, in characters.
const MAX_ERROR: usize = 1000;
const NO_POLICY: &str = "-";

/// One line of the value.
#[derive(Clone, Copy)]
pub struct RefusedPolicy<'l> {
    /// The digest of the last accepted policy.
    accepted: &'l str,
    /// The time of the last refusal or acceptance.
    pub at: Time,
    /// `<plugin name>/<root id>`.
    pub plugin: &'l str,
    /// The error; empty if the last policy was accepted.
    pub error: &'l str,
}

impl<'l> RefusedPolicy<'l> {
    /// Reads a line of the value.
    pub fn parse(line: &'l str) -> Option<RefusedPolicy<'l>> {
        let (head, error) = line.split_once('\t')?;
        let (accepted, head) = head.split_once(' ')?;
        let (at, plugin) = head.split_once(' ')?;
        Some(RefusedPolicy { accepted, at: Time(at.parse().ok()?), plugin, error })
    }
}

/// The value.
pub fn read() -> Result<String, HostError> {
    register::text(KEY)
}

/// Notes that a plugin has accepted a policy. Each worker configures an accepted policy, sometimes long after a newer one
/// has been refused; only a policy other than the last accepted one clears the note.
pub fn accepted(plugin: &str, policy: &[u8]) -> Result<(), HostError> {
    let digest = Digest::of(policy).to_string();
    edit(plugin, &|known| (known.is_none_or(|known| known.accepted != digest)).then(|| (digest.clone(), String::new())))
}

/// Notes that a plugin has refused a policy.
pub fn refused(plugin: &str, error: &str) -> Result<(), HostError> {
    let error: String = error.chars().take(MAX_ERROR).map(|c| if c.is_control() { ' ' } else { c }).collect();
    edit(plugin, &|known| Some((known.map_or(NO_POLICY, |known| known.accepted).to_owned(), error.clone())))
}

/// Forgets a plugin that has not run since this time, unless it has refused a policy later.
pub fn forget(plugin: &str, since: Time) -> Result<(), HostError> {
    edit(plugin, &|known| {
        let is_gone = known.is_some_and(|known| known.error.is_empty() || known.at < since);
        is_gone.then(Default::default)
    })
}

/// An edit of a plugin's line.
type LineEdit<'e> = &'e dyn Fn(Option<RefusedPolicy<'_>>) -> Option<(String, String)>;

/// Replaces the line of a plugin by the result of `edit`: the digest of the last accepted policy, and the error. An empty
/// digest removes the line. `None` leaves it.
fn edit(plugin: &str, edit: LineEdit<'_>) -> Result<(), HostError> {
    let now = host::now()?;
    let replace = |text: &str| {
        let (mut own, mut lines) = (None, String::new());
        for line in text.lines() {
            match RefusedPolicy::parse(line) {
                Some(refusal) if refusal.plugin == plugin => own = Some(refusal),
                _ => lines.extend([line, "\n"]),
            }
        }
        let (accepted, error) = edit(own)?;
        if lines.len() > MAX_VALUE {
            lines = lines.split_once('\n').map_or_else(String::new, |(_, newer)| newer.to_owned());
        }
        if !accepted.is_empty() {
            lines.extend([&accepted, " ", &now.0.to_string(), " ", plugin, "\t", &error, "\n"]);
        }
        Some(lines)
    };
    register::update(KEY, &replace).map(drop)
}
