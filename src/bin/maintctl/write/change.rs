//! A change of documents, its options and its result.

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
use crate::terminal::times::deadline;

/// An edit of one site's document. It is repeated if the document has changed meanwhile.
pub type Edit<'e> = dyn Fn(&mut Draft, &str, Time) -> Result<()> + 'e;

/// The options of a change.
#[derive(Clone, Debug)]
pub struct ChangeOptions {
    pub by: String,
    pub wait: bool,
    pub deadline: Instant,
    /// True if the change is only planned: nothing is sent or written, and maintctl does not wait.
    pub dry_run: bool,
    /// True if maintctl asks no questions, because the operator has answered all of them with yes.
    pub yes: bool,
}

impl ChangeOptions {
    pub fn new(args: &ChangeArgs) -> ChangeOptions {
        ChangeOptions {
            by: args.by.clone().unwrap_or_else(user_at_host),
            wait: args.wait,
            deadline: deadline(args.timeout),
            dry_run: args.dry_run,
            yes: args.yes,
        }
    }

    /// The options of a change that keeps all documents.
    pub fn sync(timeout: Duration, dry_run: bool) -> ChangeOptions {
        ChangeOptions { by: String::new(), wait: true, deadline: deadline(timeout), dry_run, yes: true }
    }

    /// Runs `act` and moves the deadline by the time that it takes, such as the time of a question.
    pub fn without_the_time_of<T>(&mut self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let result = act()?;
        self.deadline = self.deadline.checked_add(began.elapsed()).unwrap_or(self.deadline);
        Ok(result)
    }
}

/// The document of one site before and after a change.
#[derive(Clone, Debug)]
pub struct SiteChange {
    pub site: String,
    pub before: Draft,
    pub after: Draft,
    pub changed: bool,
}

impl SiteChange {
    /// Applies `edit` to the current document of a site. `rules` are the names of its exempt rules.
    pub fn of(current: Draft, site: &str, edit: &Edit<'_>, rules: &BTreeSet<String>, now: Time) -> Result<SiteChange> {
        let mut before = current.clone();
        before.tidy(now)?;
        let mut after = current;
        edit(&mut after, site, now)?;
        check_suspended(site, &before, &after, rules)?;
        let changed = after != before;
        Ok(SiteChange { site: site.to_owned(), before, after, changed })
    }
}

/// The result of a change.
#[derive(Debug)]
pub struct ChangeReport {
    pub target: String,
    pub sites: Vec<SiteChange>,
    /// `None` if maintctl did not wait.
    pub adoption: Option<Adoption>,
    /// True if adoption cannot be read, because the target has no `envoys`.
    pub is_unverifiable: bool,
    /// True if the change outlives a restart of Envoy.
    pub durable: bool,
    pub miscount: Option<String>,
    /// The most by which the clock of an Envoy is ahead of this machine's.
    pub clock_lead: Duration,
    /// The Envoys whose hot restart keeps a push from some connections.
    pub unreached: Vec<EnvoyFailure>,
    /// The names of the Envoys that lacked the newest document before the command and have it now.
    pub repaired: Vec<String>,
    /// The changes that an edited policy of a file target brought along, one text for each.
    pub brought: Vec<String>,
    /// True if the change was only planned.
    pub dry_run: bool,
}

/// Rejects the suspension of a rule that the site does not have: it would have no effect.
fn check_suspended(site: &str, before: &Draft, after: &Draft, rules: &BTreeSet<String>) -> Result<()> {
    let suspended = |draft: &Draft| -> Result<BTreeSet<String>> {
        let document = draft.read()?;
        let by_windows = document.windows.into_iter().flat_map(|window| window.suspend);
        Ok(document.suspend.into_iter().chain(by_windows).collect())
    };
    let before = suspended(before)?;
    let unknown = suspended(after)?.into_iter().find(|name| !before.contains(name) && !rules.contains(name));
    let Some(name) = unknown else { return Ok(()) };
    let hint = did_you_mean(&name, rules.iter().map(String::as_str));
    let names = rules.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let problem = format!("--suspend \"{name}\": unknown exempt rule{hint} (rules: {names})");
    bail!("{site}: {}; nothing changed", shown(&problem))
}

/// The default author of a change: the real user, whatever the environment says, and the host.
pub fn user_at_host() -> String {
    let user = uzers::get_user_by_uid(uzers::get_current_uid()).map(|user| user.name().to_string_lossy().into_owned());
    let variable =
        || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    let user = user.or_else(variable).unwrap_or_else(|| format!("uid{}", uzers::get_current_uid()));
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    format!("{user}@{host}")
}
