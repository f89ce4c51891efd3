//! The query of the sites on the command line, and its problems.

use anyhow::Result;

use crate::args::StatusArgs;
use crate::config::target::Target;
use crate::diagnosis::lag::Remedy;
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::envoys::failure;
use crate::terminal::output::shown;
use crate::terminal::times::deadline;
use crate::view::View;
use crate::view::site::Lag;
use crate::write::selection::existing;

/// The view of the selected sites.
pub fn view(target: &Target, args: &StatusArgs) -> Result<View> {
    let deadline = deadline(args.timeout);
    // A file reaches the parent of a hot restart too.
    let restarts = (!target.is_file()).then(|| target.hot_restarts(deadline));
    let mut view = View::of(target, deadline)?;
    if !args.sites.is_empty() && !view.sites.is_empty() {
        let known: Vec<String> = view.sites.iter().map(|site| site.site.clone()).collect();
        let names = existing(&args.sites, &known, args.ignore_not_found)?;
        view.sites.retain(|site| names.contains(&site.site));
    }
    if let Some(restarts) = restarts {
        view.unreached = restarts.finish(view.roll.envoys.len());
    }
    Ok(view)
}

/// The problems of Envoys and of the file, or else the limits of the proof.
pub fn problem(target: &Target, view: &View) -> Option<String> {
    let lagging = lagging(view);
    // An Envoy that lags has its causes in its own line, but a file that it rejects is a problem of its own.
    let errors = errors(target, view, |remark| lagging.is_none() || remark.topic == Topic::File);
    let problems: Vec<String> = [view.roll.unread(""), lagging, errors].into_iter().flatten().collect();
    if !problems.is_empty() {
        return Some(problems.join("\n"));
    }
    if !view.unreached.is_empty() {
        let lines = failure::lines(&view.unreached);
        return Some(format!("every Envoy has adopted them, but not for all connections:{lines}"));
    }
    let miscount = view.roll.miscount.as_ref()?;
    Some(format!("{miscount} (`expect` of target \"{}\")", target.name))
}

/// The remarks that are errors.
fn errors(target: &Target, view: &View, is_listed: impl Fn(&Remark) -> bool) -> Option<String> {
    let errors = view.remarks_of(Severity::Error).filter(|remark| is_listed(remark));
    let lines: String = errors.map(|remark| format!("\n  {}", remark.line())).collect();
    (!lines.is_empty()).then(|| format!("target \"{}\" has problems:{lines}", target.name))
}

/// The Envoys that have not adopted the newest documents, with the reasons and the advice that helps.
fn lagging(view: &View) -> Option<String> {
    let lagging = view.sites.iter().flat_map(|site| site.lagging.iter().map(move |lag| (&site.site, lag)));
    let line = |(site, lag): (&String, &Lag)| {
        format!("\n  {}", shown(&format!("{site}: {}: {}", lag.envoy, lag.cause.text())))
    };
    let lines: String = lagging.clone().map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let sync = lagging.clone().filter(|(_, lag)| lag.cause.remedy == Remedy::Sync).count();
    let advice = match (sync, sync == lagging.count()) {
        (0, _) => "",
        (_, true) => "\nTo update them, run `maintctl sync`",
        (_, false) => "\nTo update those without other advice, run `maintctl sync`",
    };
    Some(format!("not every Envoy has adopted the newest documents:{lines}{advice}"))
}
