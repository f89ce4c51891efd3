//! `maintctl status --watch`: shows the status until ^C, live on a terminal, otherwise as one line for each change.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Zoned;
use serde_json::Value;

use super::query::{problem, view};
use super::{json, show};
use crate::args::StatusArgs;
use crate::config::target::Target;
use crate::diagnosis::remark::Severity;
use crate::terminal::output::{self, shown};
use crate::terminal::times;
use crate::view::View;
use crate::view::site::SiteView;

/// The interval of requests.
const INTERVAL: Duration = Duration::from_millis(500);

pub fn run(target: &Target, args: &StatusArgs) -> Result<ExitCode> {
    let is_live = !args.json && io::stdout().is_terminal();
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    bar.set_style(ProgressStyle::with_template("{msg}")?);
    let mut last: Vec<String> = Vec::new();
    loop {
        let now = times::now();
        let (lines, screen) = match view(target, args) {
            Ok(view) => (lines(target, &view, &now, args.json), screen(target, &view, &now)),
            Err(error) => (vec![format!("error: {error:#}")], output::clean(&format!("error: {error:#}")).into_owned()),
        };
        if is_live {
            bar.set_message(format!("{}\n{screen}", now.strftime("%H:%M:%S")));
            bar.tick();
        } else {
            for line in lines.iter().filter(|line| !last.contains(line)) {
                if !print(line, &now, args.json)? {
                    // The reader has closed the pipe.
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        last = lines;
        thread::sleep(INTERVAL);
    }
}

/// Prints one line. Returns false if the reader has closed the pipe.
fn print(line: &str, now: &Zoned, json: bool) -> Result<bool> {
    if line.starts_with("error: ") {
        aside!("{line}");
        return Ok(true);
    }
    if json {
        return output::out(format_args!("{line}\n"));
    }
    let time = now.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ");
    output::out(format_args!("{time} {line}\n"))
}

/// The live text on a terminal. It is trusted, because all of its parts have escapes for control characters.
fn screen(target: &Target, view: &View, now: &Zoned) -> String {
    let mut screen = show::text(target, view, now);
    for severity in [Severity::Warning, Severity::Note] {
        let remarks = view.remarks_of(severity).map(|remark| format!("{}: {}\n", severity.name(), remark.line()));
        screen.extend(remarks);
    }
    if let Some(problem) = problem(target, view) {
        screen.push_str(&format!("{}\n", output::clean(&problem)));
    }
    screen
}

/// Lines that stay the same while nothing changes.
fn lines(target: &Target, view: &View, now: &Zoned, json: bool) -> Vec<String> {
    if json {
        return vec![without_counters(json::status(target, view, now)).to_string()];
    }
    let line = |site: &SiteView| {
        let state = show::effective_state(site, now);
        let until = state.until().map(|until| format!(", until {}", times::short(until, now))).unwrap_or_default();
        let reason = state.reason().map(|reason| format!(", {reason}")).unwrap_or_default();
        let adoption = if target.envoys.is_empty() { String::new() } else { format!(", {}", site.adoption()) };
        shown(&format!("{}: {}{until}{adoption}{reason}", site.site, site.label()))
    };
    let failures = view.roll.failures.iter().map(|failure| format!("error: {}", failure.line()));
    let remarks = view.remarks_of(Severity::Error).map(|remark| format!("error: {}", remark.line()));
    view.sites.iter().map(line).chain(failures).chain(remarks).collect()
}

/// A status without clocks and counters, which change all the time.
fn without_counters(mut status: Value) -> Value {
    let remove = |value: &mut Value, names: &[&str]| {
        if let Some(members) = value.as_object_mut() {
            names.iter().for_each(|name| drop(members.remove(*name)));
        }
    };
    remove(&mut status, &["unreached", "remarks"]);
    for (list, names) in [("envoys", &["time"][..]), ("sites", &["refused", "bypassed"])] {
        for item in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            remove(item, names);
        }
    }
    status
}
