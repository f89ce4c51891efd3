//! The sites that a change is for.

use anyhow::{Result, anyhow, bail};
use envoy_maintenance::tree::fields::did_you_mean;

use crate::args::common::{ChangeArgs, SiteArgs};
use crate::exit::ExitError;
use crate::terminal::question;

/// The sites on the command line.
#[derive(Clone, Debug, Default)]
pub struct SiteSelection {
    pub names: Vec<String>,
    all: bool,
    /// True if no site is selected.
    is_empty: bool,
    /// True if a change of all sites needs no confirmation.
    is_confirmed: bool,
    ignore_not_found: bool,
    /// The verb of the question before all sites are changed.
    verb: &'static str,
}

impl SiteSelection {
    pub fn new(sites: &SiteArgs, how: &ChangeArgs, verb: &'static str) -> SiteSelection {
        SiteSelection {
            names: sites.sites.clone(),
            all: sites.all,
            is_empty: false,
            // A dry run changes nothing, and --interactive asks a more detailed question.
            is_confirmed: how.yes || how.dry_run || how.interactive,
            ignore_not_found: sites.ignore_not_found,
            verb,
        }
    }

    /// The site `site`; `None` selects the only site.
    pub fn one(site: Option<&String>) -> SiteSelection {
        SiteSelection { names: site.into_iter().cloned().collect(), ..SiteSelection::default() }
    }

    /// No site, for a change of nothing but the policy.
    pub fn none() -> SiteSelection {
        SiteSelection { is_empty: true, ..SiteSelection::default() }
    }

    /// These sites, without a question.
    pub fn of(names: Vec<String>) -> SiteSelection {
        SiteSelection { names, ..SiteSelection::default() }
    }

    /// The same sites, without a question.
    pub fn confirmed(&self) -> SiteSelection {
        SiteSelection { is_confirmed: true, ..self.clone() }
    }

    /// These sites, or all if none is named, without a question.
    pub fn of_or_all(names: Vec<String>, ignore_not_found: bool) -> SiteSelection {
        SiteSelection { all: names.is_empty(), is_confirmed: true, names, ignore_not_found, ..SiteSelection::default() }
    }

    /// The names of the selected sites. Fails if one of them does not exist.
    pub fn choose(&self, known: &[String]) -> Result<Vec<String>> {
        if self.is_empty {
            return Ok(Vec::new());
        }
        if self.all {
            self.confirm(known)?;
            return Ok(known.to_vec());
        }
        if !self.names.is_empty() {
            let chosen = existing(&self.names, known, self.ignore_not_found);
            return chosen.map_err(|error| anyhow!("{error}; nothing changed"));
        }
        match known {
            [] => bail!("there are no sites; nothing changed"),
            [one] => Ok(vec![one.clone()]),
            several => {
                bail!(ExitError::Usage(format!("no site given (sites: {}); nothing changed", several.join(", "))))
            }
        }
    }

    fn confirm(&self, known: &[String]) -> Result<()> {
        if self.is_confirmed {
            return Ok(());
        }
        question::require_terminal("--all asks for confirmation", "add --yes to confirm")?;
        question::confirm(&format!("{} all {} sites ({})?", self.verb, known.len(), known.join(", ")))
    }
}

/// `names` without duplicates. Unknown names are skipped with a warning, or are an error.
pub fn existing(names: &[String], known: &[String], ignore_not_found: bool) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if known.contains(name) {
            if !found.contains(name) {
                found.push(name.clone());
            }
            continue;
        }
        let sites = if known.is_empty() { "there are none".to_owned() } else { format!("sites: {}", known.join(", ")) };
        if !ignore_not_found {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            bail!("unknown site \"{name}\"{hint} ({sites})");
        }
        aside!("warning: unknown site \"{name}\" is skipped ({sites})");
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
