//! maintctl: closes and opens sites behind Envoy, and shows the state of every Envoy.

#[macro_use]
mod terminal;

mod args;
mod commands;
mod config;
mod diagnosis;
mod document;
mod envoys;
mod exit;
mod view;
mod write;

use std::process::ExitCode;

use anyhow::Result;

use args::{Alias, Cli, Command};
use commands::{
    apply, cancel, close, completions, diff, doctor, explain, hash, history, init, keys, lint, open, preview, schedule,
    status, update,
};
use terminal::{output, signals};

fn main() -> ExitCode {
    let (cli, alias) = Cli::read(std::env::args_os().collect()).unwrap_or_else(|error| error.exit());
    let result = run(cli, alias.as_ref().map(|alias| alias.typed.as_str()));
    if let Some(Alias { typed, verb, .. }) = alias.filter(|alias| alias.is_foreign) {
        aside!("note: `{typed}` is `maintctl {verb}`; use this command from now on");
    }
    match result {
        Ok(code) => code,
        Err(error) => {
            output::error(format_args!("{error:#}"));
            exit::code_of(&error)
        }
    }
}

/// Runs the subcommand. `alias` is its name as typed, if that is an alias.
fn run(cli: Cli, alias: Option<&str>) -> Result<ExitCode> {
    signals::install(write::journal::interrupted)?;
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => init::run(&global, &args),
        Command::Close(args) => close::run(&global, &args, alias),
        Command::Open(args) => open::run(&global, &args, alias),
        Command::Update(args) => update::run(&global, &args),
        Command::Status(args) => status::run(&global, &args),
        Command::Schedule(args) => schedule::run(&global, &args),
        Command::Cancel(args) => cancel::run(&global, &args),
        Command::Diff(args) => diff::run(&global, &args),
        Command::Apply(args) => apply::run(&global, &args),
        Command::History(args) => history::run(&global, &args),
        Command::Doctor(args) => doctor::run(&global, &args),
        Command::Keys(args) => keys::run(&global, &args),
        Command::Explain(args) => explain::run(&global, &args),
        Command::Lint(args) => lint::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Hash(args) => hash::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
