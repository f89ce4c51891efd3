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
use terminal::{output, signals};

fn main() -> ExitCode {
    commands::completions::complete_and_exit();
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
    signals::install(|| {
        write::journal::interrupted();
        terminal::echo::restore();
    })?;
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => commands::init::run(&global, &args),
        Command::Close(args) => commands::close::run(&global, &args, alias),
        Command::Open(args) => commands::open::run(&global, &args, alias),
        Command::Update(args) => commands::update::run(&global, &args),
        Command::Status(args) => commands::status::run(&global, &args),
        Command::Schedule(args) => commands::schedule::run(&global, &args),
        Command::Cancel(args) => commands::cancel::run(&global, &args),
        Command::Sync(args) => commands::sync::run(&global, &args),
        Command::Diff(args) => commands::diff::run(&global, &args),
        Command::Apply(args) => commands::apply::run(&global, &args),
        Command::History(args) => commands::history::run(&global, &args),
        Command::Doctor(args) => commands::doctor::run(&global, &args),
        Command::Keys(args) => commands::keys::run(&global, &args),
        Command::Explain(args) => commands::explain::run(&global, &args),
        Command::Lint(args) => commands::lint::run(&args),
        Command::Preview(args) => commands::preview::run(&args),
        Command::Hash(args) => commands::hash::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
    }
}
