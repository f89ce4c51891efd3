//! The query of the sites on the command line, and its most important problem.

use anyhow::Result;

use crate::args::StatusArgs;
use crate::config::target::Target;
use crate::envoys::failure;
use crate::view::View;
use crate::write::change::deadline;
use crate::write::selection::existing;

/// The view of the selected sites.
pub fn view(target: &Target, args: &StatusArgs) -> Result<View> {
    let deadline = deadline(args.timeout);
    // A file reaches the parent of a hot restart too.
    let restarts = (!target.is_file()).then(|| target.hot_restarts(deadline));
    let mut view = View::of(target, deadline)?;
    if !args.sites.is_empty() && (target.is_file() || !view.roll.envoys.is_empty()) {
        let known: Vec<String> = view.sites.iter().map(|site| site.site.clone()).collect();
        let names = existing(&args.sites, &known, args.ignore_not_found)?;
        view.sites.retain(|site| names.contains(&site.site));
    }
    if let Some(restarts) = restarts {
        view.unreached = restarts.finish(view.roll.envoys.len());
    }
    Ok(view)
}

/// The most important problem, with all Envoys that it concerns.
pub fn problem(target: &Target, view: &View) -> Option<String> {
    let failures = &view.roll.failures;
    if !failures.is_empty() {
        let (count, total) = (failures.len(), view.roll.total());
        return Some(format!("{count} of {total} Envoys cannot be read:{}", failure::lines(failures)));
    }
    let lagging = view.sites.iter().flat_map(|site| site.lagging.iter().map(move |lag| (&site.site, lag)));
    let lines: String = lagging.clone().map(|(site, lag)| format!("\n  {site}: {}", lag.failure.line())).collect();
    if !lines.is_empty() {
        let can_be_updated = lagging.clone().any(|(_, lag)| lag.can_be_updated);
        let advice = if can_be_updated {
            "\nTo update them, repeat the last `maintctl close` or `maintctl open` of each site"
        } else {
            ""
        };
        return Some(format!("not every Envoy has adopted the newest documents:{lines}{advice}"));
    }
    if !view.unreached.is_empty() {
        let lines = failure::lines(&view.unreached);
        return Some(format!("every Envoy has adopted them, but not for all connections:{lines}"));
    }
    let miscount = view.roll.miscount.as_ref()?;
    Some(format!("{miscount} (`expect` of target \"{}\")", target.name))
}
