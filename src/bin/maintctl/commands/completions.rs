//! `maintctl completions`: prints a completion script for a shell.

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::terminal::output;

pub fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "maintctl", &mut script);
    output::script(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
