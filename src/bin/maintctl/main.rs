//! maintctl: closes and opens sites behind Envoy, and shows the state of every Envoy.

#[macro_use]
mod terminal;

mod args;
mod commands;
mod config;
mod document;
mod envoys;
mod exit;
mod view;
mod write;

use std::process::ExitCode;

use anyhow::Result;

use args::{Cli, Command};
use commands::{cancel, close, completions, explain, history, init, lint, open, schedule, status, update};
use terminal::{output, signals};

fn main() -> ExitCode {
    match run(Cli::read(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())) {
        Ok(code) => code,
        Err(error) => {
            output::error(format_args!("{error:#}"));
            exit::code_of(&error)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    signals::install(write::journal::interrupted)?;
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => init::run(&global, &args),
        Command::Close(args) => close::run(&global, &args, None),
        Command::On(args) => close::run(&global, &args, Some("on")),
        Command::Activate(args) => close::run(&global, &args, Some("activate")),
        Command::Open(args) => open::run(&global, &args, None),
        Command::Off(args) => open::run(&global, &args, Some("off")),
        Command::Deactivate(args) => open::run(&global, &args, Some("deactivate")),
        Command::Update(args) => update::run(&global, &args),
        Command::Status(args) | Command::Check(args) => status::run(&global, &args),
        Command::Schedule(args) => schedule::run(&global, &args),
        Command::Cancel(args) => cancel::run(&global, &args),
        Command::History(args) => history::run(&global, &args),
        Command::Explain(args) => explain::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
