//! `maintctl status`: what holds on every site, and whether every Envoy follows.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Zoned;
use serde_json::{Value, json};

use crate::args::StatusArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::document::describe;
use crate::envoys::failure::{self, missing_json, missing_lines};
use crate::exit::ExitError;
use crate::terminal::output::{self, shown};
use crate::terminal::table::table;
use crate::terminal::times;
use crate::view::{SiteView, View};
use crate::write::change::deadline;
use crate::write::selection::existing;

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_millis(500);

pub fn run(global: &Global, args: &StatusArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    if args.watch {
        return watch(&target, args);
    }
    let view = look(&target, args)?;
    let now = times::now();
    match args.json {
        true => answer!("{}", json_of(&target, &view, &now)),
        false => drop(output::out(format_args!("{}", text_of(&target, &view, &now)))?),
    }
    view.roll.compare_clocks(times::time(&now));
    if let Some(note) = &view.note {
        aside!("note: {note}");
    }
    if let Some(trouble) = trouble(&target, &view) {
        bail!(ExitError::NotAdopted(trouble));
    }
    Ok(if args.exit_code { code(&view) } else { ExitCode::SUCCESS })
}

/// The sites that are asked for.
fn look(target: &Target, args: &StatusArgs) -> Result<View> {
    let deadline = deadline(args.timeout);
    let mut view = View::of(target, deadline)?;
    if !args.sites.is_empty() && (target.is_file() || !view.roll.envoys.is_empty()) {
        let known: Vec<String> = view.sites.iter().map(|site| site.site.clone()).collect();
        let names = existing(&args.sites, &known, args.ignore_not_found)?;
        view.sites.retain(|site| names.contains(&site.site));
    }
    if !target.is_file() {
        view.unreached = target.unreached(view.roll.envoys.len(), deadline);
    }
    Ok(view)
}

/// What must not be overlooked, with every Envoy that it is about.
fn trouble(target: &Target, view: &View) -> Option<String> {
    let behind = view
        .sites
        .iter()
        .flat_map(|site| site.apart.iter().map(|missing| format!("\n  {}: {}", site.site, missing.line())));
    let behind: String = behind.collect();
    if !view.roll.missing.is_empty() {
        let left = view.roll.missing.len();
        let total = left + view.roll.envoys.len();
        Some(format!("{left} of {total} Envoys cannot be read:{}", missing_lines(&view.roll.missing)))
    } else if !behind.is_empty() {
        Some(format!(
            "not every Envoy follows:{behind}\nThe same `maintctl close` or `maintctl open` again brings them up"
        ))
    } else if !view.unreached.is_empty() {
        Some(format!("every Envoy follows, but not every connection may:{}", missing_lines(&view.unreached)))
    } else {
        let miscounted = view.roll.miscounted.as_ref()?;
        Some(format!("{miscounted} (`expect` of target \"{}\")", target.name))
    }
}

fn code(view: &View) -> ExitCode {
    let strictest = view.sites.iter().map(|site| site.strictest(&view.roll)).max().unwrap_or(Mode::Online);
    ExitCode::from(match strictest {
        Mode::Online => 0,
        Mode::ReadOnly => 11,
        Mode::Offline => 12,
    })
}

fn text_of(target: &Target, view: &View, now: &Zoned) -> String {
    let rows: Vec<Vec<String>> = view.sites.iter().map(|site| row(target, site, now)).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        let headers = ["SITE", "STATUS", "SINCE", "UNTIL", "ETA", "ADOPTION", "PASSED", "REASON"];
        text.push_str(&format!("{}\n", table(&headers, &rows)));
    }
    for site in &view.sites {
        for line in details(site, now) {
            text.push_str(&format!("{}: {}\n", site.site, shown(&line)));
        }
    }
    text
}

fn row(target: &Target, site: &SiteView, now: &Zoned) -> Vec<String> {
    let situation = site.document.as_ref().map(|(_, document)| document.at(times::time(now))).unwrap_or_default();
    let short = |time: Option<_>| time.map(|time| times::short(time, now)).unwrap_or_default();
    let label = match site.declared {
        true if !target.is_file() => format!("{} (declared)", site.label()),
        _ => site.label(),
    };
    let adoption = if target.envoys.is_empty() { "not known".to_owned() } else { site.adoption() };
    vec![
        site.site.clone(),
        label,
        short(situation.since()),
        short(situation.until()),
        short(situation.eta()),
        adoption,
        passed(site),
        situation.reason().unwrap_or_default().to_owned(),
    ]
}

/// Who was let in, by rule.
fn passed(site: &SiteView) -> String {
    let rules = site.bypassed.iter().filter(|(_, count)| **count > 0);
    rules.map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", ")
}

/// What does not fit into the table.
fn details(site: &SiteView, now: &Zoned) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((_, document)) = &site.document {
        let moment = times::time(now);
        if !document.suspend.is_empty() && document.mode != Mode::Online {
            lines.push(format!("suspended: {}", document.suspend.join(", ")));
        }
        let windows = document.windows.iter().filter(|window| window.until.is_none_or(|until| until > moment));
        lines.extend(windows.map(|window| {
            let verb = if window.is_active(moment) { "now" } else { "planned" };
            format!("{verb}: {}", describe::window_text(window, now))
        }));
        lines.extend(document.note.iter().map(|note| format!("note: {note}")));
    }
    lines.extend(site.remarks.iter().cloned());
    lines
}

fn json_of(target: &Target, view: &View, now: &Zoned) -> Value {
    let moment = times::time(now);
    let sites: Vec<Value> = view.sites.iter().map(|site| site.json(moment)).collect();
    let envoys = view.roll.envoys.iter().map(|envoy| {
        let status = &envoy.status;
        let address = envoy.endpoint.to_string();
        json!({ "envoy": status.envoy, "address": address, "version": status.version, "time": status.time })
    });
    let envoys: Vec<Value> = envoys.collect();
    let missing = missing_json(&view.roll.missing);
    let answer = json!({ "target": target.name, "sites": sites, "envoys": envoys, "missing": missing });
    failure::told(answer, &view.unreached)
}

/// Shows what holds until ^C: live on a terminal, else a line for each change.
fn watch(target: &Target, args: &StatusArgs) -> Result<ExitCode> {
    let live = !args.json && io::stdout().is_terminal();
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    bar.set_style(ProgressStyle::with_template("{msg}")?);
    let mut last: Vec<String> = Vec::new();
    loop {
        let now = times::now();
        let (lines, screen) = match look(target, args) {
            Ok(view) => {
                let mut screen = text_of(target, &view, &now);
                if let Some(trouble) = trouble(target, &view) {
                    screen.push_str(&format!("{trouble}\n"));
                }
                (changes(target, &view, &now, args.json), screen)
            }
            Err(error) => (vec![format!("error: {error:#}")], format!("error: {error:#}")),
        };
        if live {
            bar.set_message(format!("{}\n{}", now.strftime("%H:%M:%S"), output::clean(&screen)));
            bar.tick();
        } else {
            for line in lines.iter().filter(|line| !last.contains(line)) {
                let told = match line.strip_prefix("error: ") {
                    Some(_) => {
                        aside!("{line}");
                        true
                    }
                    None if args.json => output::out(format_args!("{line}\n"))?,
                    None => {
                        let time = now.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ");
                        output::out(format_args!("{time} {line}\n"))?
                    }
                };
                if !told {
                    // Nobody reads on.
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        last = lines;
        thread::sleep(WATCH);
    }
}

/// A line for each site, the same as long as nothing changes.
fn changes(target: &Target, view: &View, now: &Zoned, json: bool) -> Vec<String> {
    if json {
        let mut value = json_of(target, view, now);
        // Clocks and counters change all the time, and so does the time that a parent has.
        value.as_object_mut().map(|value| value.remove("unreached"));
        for envoy in value.get_mut("envoys").and_then(Value::as_array_mut).into_iter().flatten() {
            envoy.as_object_mut().map(|envoy| envoy.remove("time"));
        }
        for site in value.get_mut("sites").and_then(Value::as_array_mut).into_iter().flatten() {
            for counter in ["refused", "bypassed"] {
                site.as_object_mut().map(|site| site.remove(counter));
            }
        }
        return vec![value.to_string()];
    }
    let line = |site: &SiteView| {
        let situation = site.document.as_ref().map(|(_, document)| document.at(times::time(now))).unwrap_or_default();
        let until = situation.until().map(|until| format!(", until {}", times::short(until, now)));
        let reason = situation.reason().map(|reason| format!(", {reason}"));
        let adoption = if target.envoys.is_empty() { String::new() } else { format!(", {}", site.adoption()) };
        let (until, reason) = (until.unwrap_or_default(), reason.unwrap_or_default());
        shown(&format!("{}: {}{until}{adoption}{reason}", site.site, site.label()))
    };
    let missing = view.roll.missing.iter();
    let missing = missing.map(|missing| format!("error: {}", missing.line()));
    view.sites.iter().map(line).chain(missing).collect()
}
