//! A change of some sites, from the names that were typed to the proof that every Envoy follows. Which way it goes is
//! the writer's business.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;

use crate::args::common::ChangeArgs;
use crate::document::draft::Draft;
use crate::envoys::adoption::Adoption;
use crate::envoys::failure::EnvoyFailure;
use crate::terminal::output::shown;

/// What is done to one site's document. It may be done again, on a newer one.
pub type Edit<'e> = dyn Fn(&mut Draft, &str, Time) -> Result<()> + 'e;

/// How a change is made.
#[derive(Clone, Debug)]
pub struct ChangeOptions {
    pub by: String,
    pub wait: bool,
    pub deadline: Instant,
}

impl ChangeOptions {
    pub fn new(how: &ChangeArgs) -> ChangeOptions {
        ChangeOptions { by: how.by.clone().unwrap_or_else(who), wait: how.wait, deadline: deadline(how.timeout) }
    }

    /// Does what takes none of the time that there is: a question, or another's turn.
    pub fn paused<T>(&mut self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let done = act()?;
        self.deadline = self.deadline.checked_add(began.elapsed()).unwrap_or(self.deadline);
        Ok(done)
    }
}

/// What became of one site.
#[derive(Clone, Debug)]
pub struct SiteChange {
    pub site: String,
    pub before: Draft,
    pub after: Draft,
    pub changed: bool,
}

/// What became of a change.
#[derive(Debug)]
pub struct ChangeReport {
    pub target: String,
    pub outcomes: Vec<SiteChange>,
    /// None: nobody waited.
    pub following: Option<Adoption>,
    /// Somebody should be asked, and the target names no Envoys.
    pub blind: bool,
    /// Whether the change outlives a restart of Envoy.
    pub durable: bool,
    pub miscounted: Option<String>,
    /// Envoys that are in a hot restart, or may be.
    pub unreached: Vec<EnvoyFailure>,
}

/// Refuses to suspend a rule that the site does not have, which would keep nobody out.
pub fn check_suspended(site: &str, before: &Draft, after: &Draft, rules: &BTreeSet<String>) -> Result<()> {
    let suspended = |draft: &Draft| -> Result<BTreeSet<String>> {
        let document = draft.read()?;
        let by_windows = document.windows.into_iter().flat_map(|window| window.suspend);
        Ok(document.suspend.into_iter().chain(by_windows).collect())
    };
    let before = suspended(before)?;
    match suspended(after)?.into_iter().find(|name| !before.contains(name) && !rules.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let near = did_you_mean(&name, rules.iter().map(String::as_str));
            let names = rules.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let problem = format!("--suspend \"{name}\": no exempt rule has this name (they are: {names}){near}");
            bail!("{site}: {}; nothing changed", shown(&problem))
        }
    }
}

/// The moment at which `timeout` is over.
pub fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

/// Who is at work, where nobody says: user@host.
fn who() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| format!("uid{}", rustix::process::getuid()));
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    format!("{user}@{host}")
}
