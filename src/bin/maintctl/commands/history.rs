//! `maintctl history`: lists the last maintenances, newest first.

use std::process::ExitCode;

use anyhow::{Error, Result, anyhow, bail};
use envoy_maintenance::time::{Time, format_duration};
use jiff::Zoned;
use serde_json::{Value, json};

use crate::args::HistoryArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::document::describe;
use crate::envoys::failure;
use crate::exit::ExitError;
use crate::terminal::table::{Cell, table};
use crate::terminal::times;
use crate::view::View;
use crate::view::site::SiteView;
use crate::write::change::deadline;
use crate::write::selection::existing;

/// One maintenance in the past.
struct PastMaintenance {
    until: Time,
    row: Vec<String>,
    json: Value,
}

pub fn run(global: &Global, args: &HistoryArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let view = View::of(&target, deadline(args.timeout))?;
    if !target.envoys.is_empty() && !target.is_file() {
        view.roll.require_any("")?;
        let has_documents = view.sites.iter().any(|site| site.digest.is_some());
        if has_documents && view.sites.iter().all(|site| site.document.is_none()) {
            return Err(no_details(&target));
        }
    }
    let known: Vec<String> = view.sites.iter().map(|site| site.site.clone()).collect();
    let names = match &args.site {
        Some(site) => existing(std::slice::from_ref(site), &known, false)?,
        None => known,
    };
    let now = times::now();
    let mut history: Vec<PastMaintenance> = Vec::new();
    for site in view.sites.iter().filter(|site| names.contains(&site.site)) {
        history.extend(of_site(site, &now)?);
    }
    history.sort_by_key(|past| std::cmp::Reverse(past.until));
    print(history, args.json)?;
    let failures = &view.roll.failures;
    if !failures.is_empty() && !target.is_file() {
        let (count, total) = (failures.len(), view.roll.total());
        let lines = failure::lines(failures);
        bail!(ExitError::NotAdopted(format!("{count} of {total} Envoys cannot be read, and may know more:{lines}")));
    }
    Ok(ExitCode::SUCCESS)
}

fn of_site(site: &SiteView, now: &Zoned) -> Result<Vec<PastMaintenance>> {
    let Some((draft, _)) = &site.document else {
        return Ok(Vec::new());
    };
    let mut draft = draft.clone();
    draft.tidy(times::time(now))?;
    let past = draft.read()?.past.into_iter().map(|past| PastMaintenance {
        until: past.until,
        row: vec![
            site.site.clone(),
            describe::label(past.mode).to_owned(),
            times::short(past.from, now),
            times::short(past.until, now),
            format_duration(past.from.seconds_until(past.until)),
            past.by.clone().unwrap_or_default(),
            past.reason.clone().unwrap_or_default(),
        ],
        json: json!({
            "site": site.site, "mode": past.mode.name(), "from": past.from.to_string(),
            "until": past.until.to_string(), "reason": past.reason, "by": past.by,
        }),
    });
    Ok(past.collect())
}

fn print(history: Vec<PastMaintenance>, json: bool) -> Result<()> {
    if json {
        answer!("{}", history.into_iter().map(|past| past.json).collect::<Value>());
    } else if history.is_empty() {
        aside!("no maintenance yet");
    } else {
        let rows: Vec<Vec<Cell>> =
            history.into_iter().map(|past| past.row.into_iter().map(Cell::from).collect()).collect();
        answer!("{}", table(&["SITE", "MODE", "FROM", "UNTIL", "DURATION", "BY", "REASON"], &rows));
    }
    Ok(())
}

/// The error if Envoys have documents, but show none.
fn no_details(target: &Target) -> Error {
    let text = "the history needs a key of the policy";
    match target.read_token(times::time(&times::now())) {
        Ok(_) => anyhow!(ExitError::Rejected(format!(
            "{text}; add the JWK that `maintctl init` prints to `keys` of the policy"
        ))),
        Err(error) => error.context(text),
    }
}
