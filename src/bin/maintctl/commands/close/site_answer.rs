//! The answer of `close` for one site.

use anyhow::Result;
use jiff::Zoned;

use crate::commands::answer;
use crate::document::describe;
use crate::write::change::SiteChange;

/// The new state and the holds, and a hint at the meaning of `alias` if nothing changed.
pub fn line(change: &SiteChange, now: &Zoned, alias: Option<&str>) -> Result<String> {
    let site = &change.site;
    let hint = alias.map(|alias| format!(" ('{alias}' starts maintenance; to open the site: maintctl open {site})"));
    let text = answer::line(change, now, |after| {
        format!("{}{}", describe::already_text(after, now), hint.unwrap_or_default())
    })?;
    let holds = describe::holds_text(&change.after.read()?, now);
    Ok(if holds.is_empty() { text } else { format!("{text}; {holds}") })
}
