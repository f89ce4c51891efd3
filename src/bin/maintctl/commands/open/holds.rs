//! The holds that `open` overrides: their owners are named, and on a terminal maintctl asks first.

use std::io::{self, IsTerminal};

use anyhow::Result;

use crate::args::common::ChangeArgs;
use crate::config::target::Target;
use crate::document::describe;
use crate::terminal::output::shown;
use crate::terminal::{question, times};
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, Edit};
use crate::write::selection::SiteSelection;

/// Asks before holds are overridden, unless stdin is not a terminal, or the operator has answered already. Returns the
/// sites to open.
pub fn confirm(target: &Target, selection: &SiteSelection, edit: &Edit<'_>, how: &ChangeArgs) -> Result<SiteSelection> {
    if how.yes || how.dry_run || how.interactive || !io::stdin().is_terminal() {
        return Ok(selection.clone());
    }
    let plan = write::apply(target, selection, edit, &ChangeOptions { dry_run: true, ..ChangeOptions::new(how) })?;
    let held = held(&plan)?;
    if !held.is_empty() {
        held.iter().for_each(|(site, holds)| aside!("{site}: {holds}"));
        question::confirm("Open although commands are running that need the site closed?")?;
    }
    // The question about all sites, if there was one, is answered.
    Ok(selection.confirmed())
}

/// Names the holds that have been overridden, for an answer in JSON.
pub fn print_overridden(report: &ChangeReport) -> Result<()> {
    for (site, holds) in held(report)? {
        aside!("note: {site}: this overrides a running command: {holds}");
    }
    Ok(())
}

/// The sites that were held before a change, and their holds.
fn held(report: &ChangeReport) -> Result<Vec<(String, String)>> {
    let now = times::now();
    let mut held = Vec::new();
    for change in &report.sites {
        let holds = describe::holds_text(&change.before.read()?, &now);
        if !holds.is_empty() {
            held.push((change.site.clone(), shown(&holds)));
        }
    }
    Ok(held)
}
