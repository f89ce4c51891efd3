//! The answer of `open` for one site.

use anyhow::Result;
use jiff::Zoned;

use crate::commands::answer;
use crate::document::describe;
use crate::write::change::SiteChange;

/// The new state, or a hint at the meaning of `alias`, and the holds that the change overrides.
pub fn line(change: &SiteChange, now: &Zoned, alias: Option<&str>) -> Result<String> {
    let text = answer::line(change, now, |after| {
        let next = describe::next_window_text(after, now);
        let site = &change.site;
        let hint = alias
            .map(|alias| format!(" ('{alias}' ends maintenance; to close the site: maintctl close {site})"))
            .unwrap_or_default();
        format!("already ONLINE{hint}{next}")
    })?;
    let holds = describe::holds_text(&change.before.read()?, now);
    Ok(if holds.is_empty() { text } else { format!("{text}; this overrides a running command: {holds}") })
}
