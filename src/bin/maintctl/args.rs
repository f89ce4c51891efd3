//! The arguments as typed, and their help. What they mean is worked out by each subcommand.

pub mod change;
pub mod common;
#[cfg(test)]
mod examples;
mod offline;
mod read;

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use change::{CancelArgs, CloseArgs, OpenArgs, ScheduleArgs};
use common::Global;
pub use offline::{CompletionsArgs, ExplainArgs, InitArgs, LintArgs};
pub use read::{HistoryArgs, StatusArgs};

/// Closes and opens sites behind Envoy, and shows what every Envoy does.
#[derive(Debug, Parser)]
#[command(name = "maintctl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:\n  maintctl close shop --reason 'Database upgrade' --for 1h\n  maintctl status\n  \
    maintctl open shop\n  maintctl close --help       # every command has examples of its own\n\n\
    Exit: 0 done · 1 failed · 2 usage · 3 some Envoys did not follow or cannot be read · \
    4 refused · 130 ^C\n\nConfiguration: --config FILE, else $MAINTCTL_CONFIG, else ./maintctl.toml, else \
    ~/.config/maintctl/maintctl.toml\n\nA target has `envoys` (URLs of control endpoints), or `file` and `policy`, or all of \
    them. It may have `expect` (how many Envoys there are), `ca`, `cert` and `cert_key` (PEM files, for https), and `admin` \
    (URLs of the Envoys' admin interfaces: a push does not count while the parent of a hot restart may serve \
    connections).")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the arguments; the first is the program.
    pub fn read(words: Vec<OsString>) -> Result<Cli, clap::Error> {
        let ends_with_dashes = words.last().is_some_and(|word| word == "--");
        let mut command =
            Cli::command().mut_args(unless_empty).mut_subcommands(|command| command.mut_args(unless_empty));
        let cli = Cli::from_arg_matches(&command.try_get_matches_from_mut(words)?)?;
        if let Command::Close(args) | Command::On(args) | Command::Activate(args) = &cli.command
            && args.command.first().map_or(ends_with_dashes, |program| program.is_empty())
        {
            let text = "after `--` the command to run is missing; nothing changed";
            return Err(command.error(ErrorKind::MissingRequiredArgument, text));
        }
        Ok(cli)
    }
}

/// A variable that is set to nothing counts as one that is not set.
fn unless_empty(arg: Arg) -> Arg {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(is_empty) { arg.env(Resettable::Reset) } else { arg }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key pair and maintctl.toml, and print the public key as a JWK
    Init(InitArgs),
    /// Close sites [also: on, activate]
    Close(CloseArgs),
    /// Close sites, as `close` does
    #[command(hide = true)]
    On(CloseArgs),
    /// Close sites, as `close` does
    #[command(hide = true)]
    Activate(CloseArgs),
    /// Open sites: end what closes them now [also: off, deactivate]
    Open(OpenArgs),
    /// Open sites, as `open` does
    #[command(hide = true)]
    Off(OpenArgs),
    /// Open sites, as `open` does
    #[command(hide = true)]
    Deactivate(OpenArgs),
    /// Show sites, and whether every Envoy follows [also: check]
    Status(StatusArgs),
    /// Show sites, as `status` does
    #[command(hide = true)]
    Check(StatusArgs),
    /// Plan a window, which opens and closes by itself
    Schedule(ScheduleArgs),
    /// Take windows out again; one that is open ends
    Cancel(CancelArgs),
    /// Show the last maintenances
    History(HistoryArgs),
    /// Say what a request would meet, and why
    Explain(ExplainArgs),
    /// Find mistakes in policies, bootstraps and manifests before Envoy does
    Lint(LintArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests;
