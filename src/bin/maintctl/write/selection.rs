//! The sites that a change is for.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, anyhow, bail};
use envoy_maintenance::tree::fields::did_you_mean;

use crate::args::common::SiteArgs;
use crate::exit::ExitError;

/// The sites that were typed.
#[derive(Clone, Debug, Default)]
pub struct SiteSelection {
    pub names: Vec<String>,
    pub all: bool,
    pub yes: bool,
    pub ignore_not_found: bool,
    /// What happens to all of them, for the question.
    pub verb: &'static str,
}

impl SiteSelection {
    pub fn new(sites: &SiteArgs, verb: &'static str) -> SiteSelection {
        SiteSelection {
            names: sites.sites.clone(),
            all: sites.all,
            yes: sites.yes,
            ignore_not_found: sites.ignore_not_found,
            verb,
        }
    }

    /// One site, or the only one there is.
    pub fn one(site: Option<&String>) -> SiteSelection {
        SiteSelection { names: site.into_iter().cloned().collect(), ..SiteSelection::default() }
    }

    /// These sites and no question.
    pub fn of(names: Vec<String>) -> SiteSelection {
        SiteSelection { names, ..SiteSelection::default() }
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
            several => bail!(ExitError::Usage(format!("which site? There are {}", several.join(", ")))),
        }
    }

    fn confirm(&self, known: &[String]) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!(ExitError::Usage("--all asks first, and there is no terminal to ask on: --yes".to_owned()));
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

#[cfg(test)]
mod tests;
