//! `maintctl sync`: brings lagging and restarted Envoys to the newest documents. It decides nothing.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::SyncArgs;
use crate::args::common::Global;
use crate::commands::answer::{self, AnswerForm};
use crate::config::target::Target;
use crate::document::describe;
use crate::exit::ExitError;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport};
use crate::write::selection::SiteSelection;

mod watch;

pub fn run(global: &Global, args: &SyncArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    if args.watch {
        return watch::run(&target, args, &sync);
    }
    let report = sync(&target, args)?;
    let form = if args.json { AnswerForm::Json } else { AnswerForm::Lines };
    answer::finish(&report, form, |change, now| answer::line(change, now, |after| describe::state_text(after, now)))?;
    Ok(ExitCode::SUCCESS)
}

/// Brings the Envoys up to date once.
fn sync(target: &Target, args: &SyncArgs) -> Result<ChangeReport> {
    if target.envoys.is_empty() {
        let text = format!("target \"{}\" has no `envoys`, so there is nothing to bring up to date", target.name);
        bail!(ExitError::Usage(text));
    }
    let selection = SiteSelection::of_or_all(args.sites.clone(), args.ignore_not_found);
    write::sync(target, &selection, &ChangeOptions::sync(args.timeout, args.dry_run))
}
