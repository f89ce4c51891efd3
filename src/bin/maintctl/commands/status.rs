//! `maintctl status`: shows the state of every site, and its adoption by every Envoy.

use std::process::ExitCode;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;

use crate::args::StatusArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::diagnosis::remark::Severity;
use crate::exit::ExitError;
use crate::terminal::{output, times};
use crate::view::View;

mod json;
mod query;
mod show;
mod watch;

use query::{problem, view};

pub fn run(global: &Global, args: &StatusArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    if args.watch {
        return watch::run(&target, args);
    }
    let view = view(&target, args)?;
    let now = times::now();
    if args.json {
        answer!("{}", json::status(&target, &view, &now));
    } else {
        output::script(&show::text(&target, &view, &now))?;
    }
    for severity in [Severity::Warning, Severity::Note] {
        for remark in view.remarks_of(severity) {
            aside!("{}: {}", severity.name(), remark.line());
        }
    }
    if let Some(problem) = problem(&target, &view) {
        bail!(ExitError::NotAdopted(problem));
    }
    Ok(if args.exit_code { code(&view) } else { ExitCode::SUCCESS })
}

/// The exit code for the strictest mode.
fn code(view: &View) -> ExitCode {
    let strictest = view.sites.iter().map(|site| site.strictest(&view.roll)).max().unwrap_or(Mode::Online);
    ExitCode::from(match strictest {
        Mode::Online => 0,
        Mode::ReadOnly => 11,
        Mode::Offline => 12,
    })
}
