//! The operator who closed a site. Sites that another operator has closed are not changed for a command.

use std::collections::BTreeMap;

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;

use crate::document::draft::Draft;
use crate::terminal::output::shown;
use crate::terminal::times;
use crate::write::change::SiteChange;

/// The other operator who has closed the site; `None` if the site is open, or closed by `own`.
pub fn closed_by_another(draft: &Draft, own: &str, now: Time) -> Result<Option<String>> {
    let document = draft.read()?;
    let is_closed = document.at(now).mode() != Mode::Online;
    Ok(document.by.filter(|by| is_closed && by != own).map(|by| shown(&by)))
}

/// The sites that other operators had closed before, with these operators.
pub fn closed_by_others(changes: &[SiteChange], own: &str) -> Result<BTreeMap<String, String>> {
    let now = times::time(&times::now());
    let mut others = BTreeMap::new();
    for SiteChange { site, before, .. } in changes {
        if let Some(by) = closed_by_another(before, own, now)? {
            others.insert(site.clone(), by);
        }
    }
    Ok(others)
}

/// The sites that were closed before, with their ends at that time.
pub fn earlier_ends(changes: &[SiteChange]) -> Result<BTreeMap<String, Option<Time>>> {
    let now = times::time(&times::now());
    let mut ends = BTreeMap::new();
    for SiteChange { site, before, .. } in changes {
        let document = before.read()?;
        let state = document.at(now);
        if state.mode() != Mode::Online {
            ends.insert(site.clone(), state.until());
        }
    }
    Ok(ends)
}
