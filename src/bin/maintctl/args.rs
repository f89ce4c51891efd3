//! The command line as typed, and its help. Each subcommand interprets its own arguments.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::exit;
use alias::Translation;
use common::Global;

mod alias;
mod apply;
mod cancel;
mod close;
pub mod common;
mod completions;
mod details;
mod diff;
mod doctor;
mod explain;
mod hash;
mod history;
mod init;
mod keys;
mod lint;
mod man;
mod open;
mod preview;
mod schedule;
mod status;
mod suggest;
mod sync;
mod update;

pub use alias::Alias;
pub use apply::ApplyArgs;
pub use cancel::CancelArgs;
pub use close::{CloseArgs, OnFailure};
pub use completions::CompletionsArgs;
pub use details::DetailArgs;
pub use diff::DiffArgs;
pub use doctor::DoctorArgs;
pub use explain::{ClaimFlag, ExplainArgs};
pub use hash::HashArgs;
pub use history::HistoryArgs;
pub use init::InitArgs;
pub use keys::KeysArgs;
pub use lint::{LintArgs, LintFormat};
pub use man::ManArgs;
pub use open::OpenArgs;
pub use preview::PreviewArgs;
pub use schedule::ScheduleArgs;
pub use status::StatusArgs;
pub use sync::SyncArgs;
pub use update::UpdateArgs;

/// Closes and opens sites behind Envoy, and shows the state of every Envoy.
#[derive(Debug, Parser)]
#[command(name = "maintctl", version, propagate_version = true, max_term_width = 100, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

fn after_help() -> String {
    let codes: String = exit::CODES.iter().map(|(code, meaning)| format!("  {code:<4} {meaning}\n")).collect();
    format!(
        "Examples:\n  maintctl close shop --reason 'Database upgrade' --for 1h\n  maintctl status\n  maintctl open shop\n  \
         maintctl close --help       # every command has examples\n\n\
         Exit codes:\n{codes}\n\
         maintctl reads its configuration from --config FILE, else from MAINTCTL_CONFIG, else from maintctl.toml in the \
         current directory, else from ~/.config/maintctl/maintctl.toml."
    )
}

impl Cli {
    /// Parses the command line, including the name of the program. The second value is set if the subcommand was typed by
    /// another name.
    pub fn read(words: Vec<OsString>) -> Result<(Cli, Option<Alias>), clap::Error> {
        let mut command =
            Cli::command().mut_args(ignore_empty).mut_subcommands(|command| command.mut_args(ignore_empty));
        let translation = alias::translate(words);
        let Translation { words, alias } =
            translation.map_err(|advice| command.error(ErrorKind::InvalidSubcommand, advice))?;
        let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let matches = command.try_get_matches_from_mut(words);
        let matches = matches.map_err(|error| suggest::improve(error, &texts, &command))?;
        let cli = Cli::from_arg_matches(&matches)?;
        let ends_with_dashes = texts.last().is_some_and(|word| word == "--");
        if let Some(words) = cli.command.wrapped()
            && words.first().map_or(ends_with_dashes, |program| program.is_empty())
        {
            let text = "after `--` the command to run is missing; nothing changed";
            return Err(command.error(ErrorKind::MissingRequiredArgument, text));
        }
        Ok((cli, alias))
    }
}

/// Ignores the environment variable of an argument if it is empty.
fn ignore_empty(arg: Arg) -> Arg {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(is_empty) { arg.env(Resettable::Reset) } else { arg }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key pair and maintctl.toml, and print the public key as a JWK
    Init(InitArgs),
    /// Close sites, or change how they are closed [aliases: on, activate]
    Close(CloseArgs),
    /// Open sites now [aliases: off, deactivate]
    Open(OpenArgs),
    /// Change the details of closed sites, never their mode
    Update(UpdateArgs),
    /// Show the state of sites and its adoption by Envoy [alias: check]
    Status(StatusArgs),
    /// Plan a window, in which a site is closed
    Schedule(ScheduleArgs),
    /// Cancel planned windows, and end active ones
    Cancel(CancelArgs),
    /// Show what the next change of a file target brings along from the edited policy
    Diff(DiffArgs),
    /// Write the edited policy of a file target, without a change of sites
    Apply(ApplyArgs),
    /// Bring lagging and restarted Envoys to the newest documents
    Sync(SyncArgs),
    /// List the last maintenances
    History(HistoryArgs),
    /// Check a target from end to end, and say what to do
    Doctor(DoctorArgs),
    /// List the keys that may change sites, as Envoys report them
    Keys(KeysArgs),
    /// Show the decision on a request, and the reasons for it
    Explain(ExplainArgs),
    /// Check policies, Envoy bootstraps and Istio manifests
    Lint(LintArgs),
    /// Show the page of a closed site in the browser
    Preview(PreviewArgs),
    /// Print the SHA-256 of a secret, for a rule
    Hash(HashArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write man pages into a folder
    #[command(hide = true)]
    Man(ManArgs),
}

impl Command {
    /// The command after `--`; `None` for subcommands that run none.
    fn wrapped(&self) -> Option<&[OsString]> {
        match self {
            Command::Close(args) => Some(&args.command),
            Command::Open(args) => Some(&args.command),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
