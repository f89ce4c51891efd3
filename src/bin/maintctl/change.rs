//! A change of some sites, from the names that were typed to the proof that every Envoy follows. Which way it goes is
//! the writer's business.

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;

use crate::adopt::Following;
use crate::args::{How, Sites};
use crate::draft::Draft;
use crate::exit::End;
use crate::roll::Missing;
use crate::say::shown;
use crate::target::{Target, Writer};
use crate::{file, push};

/// What is done to one site's document. It may be done again, on a newer one.
pub type Edit<'e> = dyn Fn(&mut Draft, &str, Time) -> Result<()> + 'e;

/// How a change is made.
#[derive(Clone, Debug)]
pub struct Options {
    pub by: String,
    pub wait: bool,
    pub deadline: Instant,
}

impl Options {
    pub fn new(how: &How) -> Options {
        Options { by: how.by.clone().unwrap_or_else(who), wait: how.wait, deadline: deadline(how.timeout) }
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
pub struct Outcome {
    pub site: String,
    pub before: Draft,
    pub after: Draft,
    pub changed: bool,
}

/// What became of a change.
#[derive(Debug)]
pub struct Report {
    pub target: String,
    pub outcomes: Vec<Outcome>,
    /// None: nobody waited.
    pub following: Option<Following>,
    /// Somebody should be asked, and the target names no Envoys.
    pub blind: bool,
    /// Whether the change outlives a restart of Envoy.
    pub durable: bool,
    pub miscounted: Option<String>,
    /// Envoys that are in a hot restart, or may be.
    pub unreached: Vec<Missing>,
}

/// Makes a change.
pub fn apply(target: &Target, selection: &Selection, edit: &Edit<'_>, options: &Options) -> Result<Report> {
    match &target.writer {
        Writer::Push => push::apply(target, selection, edit, options),
        Writer::File(writer) => file::apply(target, writer, selection, edit, options),
    }
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

/// The sites that were typed.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub names: Vec<String>,
    pub all: bool,
    pub yes: bool,
    pub ignore_not_found: bool,
    /// What happens to all of them, for the question.
    pub verb: &'static str,
}

impl Selection {
    pub fn new(sites: &Sites, verb: &'static str) -> Selection {
        Selection {
            names: sites.sites.clone(),
            all: sites.all,
            yes: sites.yes,
            ignore_not_found: sites.ignore_not_found,
            verb,
        }
    }

    /// One site, or the only one there is.
    pub fn one(site: Option<&String>) -> Selection {
        Selection { names: site.into_iter().cloned().collect(), ..Selection::default() }
    }

    /// These sites and no question.
    pub fn of(names: Vec<String>) -> Selection {
        Selection { names, ..Selection::default() }
    }

    /// The sites that are meant; an error before anything is changed if one of them does not exist.
    pub fn choose(&self, known: &[String]) -> Result<Vec<String>> {
        if self.all {
            self.confirm(known)?;
            return Ok(known.to_vec());
        }
        if !self.names.is_empty() {
            let chosen = existing(&self.names, known, self.ignore_not_found);
            return chosen.map_err(|error| anyhow!("{error}; nothing changed"));
        }
        match known {
            [] => bail!("there is no site"),
            [one] => Ok(vec![one.clone()]),
            several => bail!(End::Usage(format!("which site? There are {}", several.join(", ")))),
        }
    }

    fn confirm(&self, known: &[String]) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!(End::Usage("--all asks first, and there is no terminal to ask on: --yes".to_owned()));
        }
        let mut stderr = io::stderr();
        write!(stderr, "{} all {} sites ({})? [y/N] ", self.verb, known.len(), known.join(", "))?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => bail!("nothing changed"),
        }
    }
}

/// `names`, each once; one that does not exist is an error, or is left out.
pub fn existing(names: &[String], known: &[String], ignore_not_found: bool) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if known.contains(name) {
            if !found.contains(name) {
                found.push(name.clone());
            }
            continue;
        }
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        let there = if known.is_empty() { "there is none".to_owned() } else { format!("sites: {}", known.join(", ")) };
        match ignore_not_found {
            true => aside!("warning: unknown site \"{name}\" is left out ({there})"),
            false => bail!("unknown site \"{name}\"{hint} ({there})"),
        }
    }
    Ok(found)
}

/// Who is at work, where nobody says: user@host.
fn who() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| format!("uid{}", rustix::process::getuid()));
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    format!("{user}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_checked_before_anything_is_changed() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (typed, ignore, known, expected) in [
            (&["shop"][..], false, &["api", "shop"][..], Ok(&["shop"][..])),
            (&["shop", "api", "shop"], false, &["api", "shop"], Ok(&["shop", "api"])),
            (&[], false, &["shop"], Ok(&["shop"])),
            (&[], false, &["api", "shop"], Err("which site? There are api, shop")),
            (&[], false, &[], Err("there is no site")),
            (
                &["shop", "ap"],
                false,
                &["api", "shop"],
                Err("unknown site \"ap\"; did you mean \"api\"? (sites: api, shop); nothing changed"),
            ),
            (&["shop", "ap"], true, &["api", "shop"], Ok(&["shop"])),
            (&["zzzzzz"], true, &["api", "shop"], Ok(&[])),
        ] {
            let selection = Selection { names: names(typed), ignore_not_found: ignore, ..Selection::default() };
            let chosen = selection.choose(&names(known)).map_err(|error| error.to_string());
            assert_eq!(chosen, expected.map(names).map_err(str::to_owned), "{typed:?} {known:?}");
        }
    }
}
