//! `maintctl completions`: prints a completion script for a shell. The script calls maintctl, which completes the names
//! of sites, rules, windows and targets too.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Arg, Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use crate::args::{Cli, CompletionsArgs};
use crate::terminal::output;

mod names;

use names::TypedWords;

/// The variable by which a script asks for completions. Its value is the name of the shell.
const VARIABLE: &str = "MAINTCTL_COMPLETE";

pub fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    let shells = Shells::builtins();
    let shell = shells.completer(&args.shell.to_string()).context("unknown shell")?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "maintctl", "maintctl", "maintctl", &mut script)?;
    output::script(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// If a completion script has started maintctl, prints the completions and exits.
pub fn complete_and_exit() {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    // Errors would appear between the words that the operator types.
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stderr(null);
    }
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// The command line, with the candidates of its arguments.
fn command() -> Command {
    Cli::command().mut_args(with_candidates).mut_subcommands(|command| command.mut_args(with_candidates))
}

fn with_candidates(arg: Arg) -> Arg {
    let find: fn(&TypedWords) -> Vec<String> =
        match arg.get_value_names().and_then(|names| names.first()?.as_str().into()) {
            Some("SITE") => TypedWords::sites,
            Some("RULE") => TypedWords::rules,
            Some("WINDOW") => TypedWords::windows,
            _ if arg.get_id() == "target" => TypedWords::targets,
            _ => return arg,
        };
    arg.add(ArgValueCandidates::new(move || {
        find(&TypedWords::read()).into_iter().map(CompletionCandidate::new).collect()
    }))
}
