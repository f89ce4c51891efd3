//! maintctl: closes and opens sites behind Envoy, and shows what every Envoy does.

#[macro_use]
mod say;

mod addresses;
mod adopt;
mod args;
mod cancel;
mod change;
mod client;
mod close;
mod command;
mod completions;
mod config;
mod confirm;
mod draft;
mod ecds;
mod edit;
mod exit;
mod explain;
mod file;
mod history;
mod init;
mod interrupt;
mod keys;
mod lint;
mod open;
mod output;
mod policy_file;
mod push;
mod restart;
mod roll;
mod schedule;
mod status;
mod target;
mod tls;
mod view;
mod when;

use std::process::ExitCode;

use anyhow::Result;

use args::{Cli, Command};

fn main() -> ExitCode {
    match run(Cli::read(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())) {
        Ok(code) => code,
        Err(error) => {
            say::error(format_args!("{error:#}"));
            exit::code_of(&error)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    interrupt::install()?;
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => init::run(&global, &args),
        Command::Close(args) => close::run(&global, &args, None),
        Command::On(args) => close::run(&global, &args, Some("on")),
        Command::Activate(args) => close::run(&global, &args, Some("activate")),
        Command::Open(args) => open::run(&global, &args, None),
        Command::Off(args) => open::run(&global, &args, Some("off")),
        Command::Deactivate(args) => open::run(&global, &args, Some("deactivate")),
        Command::Status(args) | Command::Check(args) => status::run(&global, &args),
        Command::Schedule(args) => schedule::run(&global, &args),
        Command::Cancel(args) => cancel::run(&global, &args),
        Command::History(args) => history::run(&global, &args),
        Command::Explain(args) => explain::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
