//! `maintctl history`: lists the holds of running commands and the last maintenances, newest first.

use std::process::ExitCode;

use anyhow::{Error, Result, anyhow, bail};
use envoy_maintenance::state::{Mode, Past, Window};
use envoy_maintenance::time::{Time, format_duration};
use jiff::Zoned;
use serde_json::{Value, json};

use crate::args::HistoryArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::document::{describe, hold};
use crate::exit::ExitError;
use crate::terminal::table::{Cell, table};
use crate::terminal::times::{self, deadline};
use crate::view::View;
use crate::view::site::SiteView;
use crate::write::journal::{self, Recorded};
use crate::write::selection::existing;

/// A maintenance that has ended, or the hold of a running command.
#[derive(Clone, Debug, PartialEq)]
struct Maintenance {
    site: String,
    mode: Mode,
    from: Time,
    /// The end; of a hold, its lease.
    until: Option<Time>,
    reason: Option<String>,
    by: Option<String>,
    /// The id of a hold.
    hold: Option<String>,
}

pub fn run(global: &Global, args: &HistoryArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let recorded = journal::read(&target);
    let view = readable_view(&target, args);
    let sites = view.as_ref().map(|view| view.sites.as_slice()).unwrap_or_default();
    let names = match &args.site {
        Some(site) => {
            let shown = sites.iter().map(|site| site.site.clone());
            let mut known: Vec<String> = shown.chain(recorded.past.iter().map(|(site, _)| site.clone())).collect();
            known.sort();
            known.dedup();
            match (existing(std::slice::from_ref(site), &known, false), &view) {
                (Ok(names), _) => Some(names),
                (Err(error), Ok(_)) => return Err(error),
                // The Envoys that cannot be read may have the site.
                (Err(_), Err(_)) => Some(vec![site.clone()]),
            }
        }
        None => None,
    };
    let now = times::now();
    let mut history = maintenances(sites, recorded, times::time(&now))?;
    history.retain(|past| names.as_ref().is_none_or(|names| names.contains(&past.site)));
    // Holds come first, then the newest maintenances.
    history.sort_by_key(|past| (past.hold.is_none(), std::cmp::Reverse(past.until.unwrap_or(past.from))));
    if view.is_ok() || !history.is_empty() {
        print(&history, args.json, &now)?;
    }
    let view = view?;
    if let Some(unread) = view.roll.unread(", and may know more").filter(|_| !target.is_file()) {
        bail!(ExitError::NotAdopted(unread));
    }
    Ok(ExitCode::SUCCESS)
}

/// The current state of the target. Fails if it shows no history.
fn readable_view(target: &Target, args: &HistoryArgs) -> Result<View> {
    let view = View::of(target, deadline(args.timeout))?;
    if !target.envoys.is_empty() && !target.is_file() {
        view.roll.require_any("")?;
        let has_documents = view.sites.iter().any(|site| site.digest.is_some());
        if has_documents && view.sites.iter().all(|site| site.document.is_none()) {
            return Err(no_details(target));
        }
    }
    Ok(view)
}

/// The maintenances in the sites' documents and in the journal, each of them once.
fn maintenances(sites: &[SiteView], recorded: Recorded, now: Time) -> Result<Vec<Maintenance>> {
    let mut drafts: Vec<Draft> = sites.iter().filter_map(|site| Some(site.document.as_ref()?.0.clone())).collect();
    let mut history: Vec<Maintenance> =
        recorded.past.into_iter().map(|(site, past)| Maintenance::ended(&site, past)).collect();
    for draft in &drafts {
        history.extend(hold::live(&draft.read()?, now).map(|window| Maintenance::held(draft.site(), window)));
    }
    // The newest document in the journal replaces one that cannot be read.
    let unread = recorded.newest.into_iter().filter(|newest| drafts.iter().all(|draft| draft.site() != newest.site()));
    let unread: Vec<Draft> = unread.collect();
    drafts.extend(unread);
    for draft in &mut drafts {
        draft.tidy(now)?;
        let past = draft.read()?.past.into_iter();
        history.extend(past.map(|past| Maintenance::ended(draft.site(), past)));
    }
    let mut unique: Vec<Maintenance> = Vec::new();
    for past in history {
        if !unique.contains(&past) {
            unique.push(past);
        }
    }
    Ok(unique)
}

impl Maintenance {
    fn ended(site: &str, past: Past) -> Maintenance {
        let Past { mode, from, until, reason, by } = past;
        Maintenance { site: site.to_owned(), mode, from, until: Some(until), reason, by, hold: None }
    }

    fn held(site: &str, window: &Window) -> Maintenance {
        Maintenance {
            site: site.to_owned(),
            mode: window.mode,
            from: window.from,
            until: window.until,
            reason: window.reason.clone(),
            by: window.by.clone(),
            hold: Some(window.id.clone()),
        }
    }

    fn row(&self, now: &Zoned) -> Vec<Cell> {
        let until = self.until.map(|until| times::short(until, now));
        let ended = self.until.filter(|_| self.hold.is_none());
        let until = match (&self.hold, until) {
            (None, until) => until.unwrap_or_default(),
            (Some(_), None) => "running".to_owned(),
            (Some(_), Some(lease)) => format!("running, lease until {lease}"),
        };
        let cells = [
            self.site.clone(),
            describe::label(self.mode).to_owned(),
            times::short(self.from, now),
            until,
            format_duration(self.from.seconds_until(ended.unwrap_or(times::time(now)))),
            self.by.clone().unwrap_or_default(),
            self.reason.clone().unwrap_or_default(),
            self.hold.clone().unwrap_or_default(),
        ];
        cells.into_iter().map(Cell::from).collect()
    }

    fn json(&self) -> Value {
        let mut json = json!({
            "site": self.site, "mode": self.mode.name(), "from": self.from.to_string(),
            "until": self.until.map(|until| until.to_string()), "reason": self.reason, "by": self.by,
        });
        if let (Some(hold), Some(members)) = (&self.hold, json.as_object_mut()) {
            members.insert("hold".to_owned(), hold.as_str().into());
        }
        json
    }
}

fn print(history: &[Maintenance], json: bool, now: &Zoned) -> Result<()> {
    if json {
        answer!("{}", history.iter().map(Maintenance::json).collect::<Value>());
    } else if history.is_empty() {
        aside!("no maintenance yet");
    } else {
        let rows: Vec<Vec<Cell>> = history.iter().map(|past| past.row(now)).collect();
        answer!("{}", table(&["SITE", "MODE", "FROM", "UNTIL", "DURATION", "BY", "REASON", "HOLD"], &rows));
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
