//! `maintctl history`: the last maintenances of sites, the newest first.

use std::process::ExitCode;

use anyhow::{Error, Result, anyhow};
use envoy_maintenance::time::{Time, format_duration};
use serde_json::{Value, json};

use crate::args::HistoryArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::document::describe;
use crate::exit::ExitError;
use crate::terminal::table::table;
use crate::terminal::times;
use crate::view::View;
use crate::write::change::deadline;
use crate::write::selection::existing;

pub fn run(global: &Global, args: &HistoryArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let view = View::of(&target, deadline(args.timeout))?;
    if !target.envoys.is_empty() && !target.is_file() {
        view.roll.answers()?;
        if view.sites.iter().all(|site| site.document.is_none()) && view.sites.iter().any(|site| site.digest.is_some())
        {
            return Err(withheld(&target));
        }
    }
    let known: Vec<String> = view.sites.iter().map(|site| site.site.clone()).collect();
    let names = match &args.site {
        Some(site) => existing(std::slice::from_ref(site), &known, false)?,
        None => known,
    };
    let now = times::now();
    let moment = times::time(&now);
    let mut entries: Vec<(Time, Vec<String>, Value)> = Vec::new();
    for site in view.sites.iter().filter(|site| names.contains(&site.site)) {
        let Some((draft, _)) = &site.document else {
            continue;
        };
        let mut draft = draft.clone();
        draft.tidy(moment)?;
        for past in draft.read()?.past {
            let lasted = format_duration(past.from.seconds_until(past.until));
            let (from, until) = (times::short(past.from, &now), times::short(past.until, &now));
            let row = vec![
                site.site.clone(),
                describe::label(past.mode).to_owned(),
                from,
                until,
                lasted,
                past.by.clone().unwrap_or_default(),
                past.reason.clone().unwrap_or_default(),
            ];
            let value = json!({
                "site": site.site, "mode": past.mode.name(), "from": past.from.to_string(),
                "until": past.until.to_string(), "reason": past.reason, "by": past.by,
            });
            entries.push((past.until, row, value));
        }
    }
    entries.sort_by_key(|(until, ..)| std::cmp::Reverse(*until));
    if args.json {
        answer!("{}", entries.into_iter().map(|(_, _, value)| value).collect::<Value>());
    } else if entries.is_empty() {
        aside!("no maintenance yet");
    } else {
        let rows: Vec<Vec<String>> = entries.into_iter().map(|(_, row, _)| row).collect();
        answer!("{}", table(&["SITE", "MODE", "FROM", "UNTIL", "LASTED", "BY", "REASON"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

/// Why Envoys that have documents show none.
fn withheld(target: &Target) -> Error {
    let text = "without a key that the policy knows there is no history";
    match target.read_token(times::time(&times::now())) {
        Ok(_) => anyhow!(ExitError::Rejected(format!("{text}; `maintctl init` prints what to put into the policy"))),
        Err(error) => error.context(text),
    }
}
