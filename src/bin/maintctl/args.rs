//! The arguments as typed, and their help. What they mean is worked out by each subcommand.

#[cfg(test)]
mod examples;
mod offline;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use envoy_maintenance::time::parse_duration;

pub use offline::{ExplainArgs, LintArgs};

use crate::when;

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

/// What every subcommand takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", env = "MAINTCTL_CONFIG")]
    pub config: Option<PathBuf>,
    /// The target of the configuration, if not its default
    #[arg(long, global = true, value_name = "NAME", env = "MAINTCTL_TARGET")]
    pub target: Option<String>,
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

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl init > maintctl.jwk\n  \
    maintctl init --fleet prod-eu --envoys http://envoy.internal:10001/.maintenance\n  \
    maintctl init --file ecds/maintenance.yaml --policy policy.yaml\n\n\
    Files that exist are never overwritten: `maintctl init` again prints the same again, by the fleet and the key of\n\
    maintctl.toml.")]
pub struct InitArgs {
    /// The fleet that documents are made for [default: demo]
    #[arg(long, value_name = "NAME")]
    pub fleet: Option<String>,
    /// A control endpoint, with its path prefix [default: http://127.0.0.1:10001/.maintenance, but none with --file]
    #[arg(long, value_name = "URL")]
    pub envoys: Vec<String>,
    /// The file that Envoy watches, which maintctl generates
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub file: Option<PathBuf>,
    /// The policy that it is generated from
    #[arg(long, value_name = "FILE", requires = "file")]
    pub policy: Option<PathBuf>,
}

/// Which sites a change is for.
#[derive(Clone, Debug, Args)]
pub struct Sites {
    /// The sites; none: the only one there is
    #[arg(value_name = "SITE")]
    pub sites: Vec<String>,
    /// All sites of the target
    #[arg(long, conflicts_with = "sites")]
    pub all: bool,
    /// Do not ask before changing all
    #[arg(long, short)]
    pub yes: bool,
    /// Skip sites that do not exist
    #[arg(long)]
    pub ignore_not_found: bool,
}

/// How a change is made and waited for.
#[derive(Clone, Debug, Args)]
pub struct How {
    /// How long to wait until every Envoy follows
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Whether to wait until every Envoy follows
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub wait: bool,
    /// Who makes the change [default: user@host]
    #[arg(long, value_name = "NAME", env = "MAINTCTL_BY")]
    pub by: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl close shop --reason 'Database upgrade' --for 1h\n  \
    maintctl close shop --until 03:30             # also moves the end of a site that is closed\n  \
    maintctl close shop api --read-only --eta 20m\n  \
    maintctl close shop --suspend staff           # staff is kept out too, this time\n  \
    maintctl close shop -- ./migrate.sh           # opens if it succeeded, and exits with its status\n  \
    maintctl close shop --lease 2m -- ./migrate.sh\n\n\
    TIME is RFC 3339 (2026-11-21T03:30:00Z) or HH:MM, the next one in local time.\n\
    On a site that is closed, flags change what they name and the rest stays; without --read-only it is then offline.\n\
    After a command, what others have closed stays closed. They are told apart by --by alone, so give each job a --by\n\
    of its own where several run as one user on one host, as on a CI runner.")]
pub struct CloseArgs {
    #[command(flatten)]
    pub sites: Sites,
    /// Why, for visitors
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A word for other operators; visitors never see it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// When visitors may come back: a promise, nothing opens by it; `none` takes it back
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Open by itself after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Open by itself at this time; `none`: stay closed until somebody opens it
    #[arg(long, value_name = "TIME", conflicts_with = "lasting")]
    pub until: Option<String>,
    /// Let requests pass that change nothing: GET, HEAD and OPTIONS
    #[arg(long)]
    pub read_only: bool,
    /// An exempt rule that does not count this time; `none` lets all count again
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    /// Close at once, as it does anyway
    #[arg(long, alias = "force")]
    pub now: bool,
    /// While the command runs keep the end this far ahead, so that a dead runner reopens the site
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "command",
        conflicts_with_all = ["lasting", "until"])]
    pub lease: Option<Duration>,
    /// What happens if the command fails, or is not run as not every Envoy follows [default: stay]
    #[arg(long, value_name = "WHAT", requires = "command")]
    pub on_failure: Option<OnFailure>,
    #[command(flatten)]
    pub how: How,
    /// A command to run while the sites are closed
    #[arg(last = true, value_name = "CMD", conflicts_with = "json")]
    pub command: Vec<OsString>,
}

/// What becomes of a site whose command failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    #[default]
    Stay,
    Open,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl open shop\n  maintctl open --all --yes\n\n\
    Windows that are open end; later ones stay, and the next is named.")]
pub struct OpenArgs {
    #[command(flatten)]
    pub sites: Sites,
    /// Open at once, as it always does
    #[arg(long, alias = "force", hide = true)]
    pub now: bool,
    #[command(flatten)]
    pub how: How,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl status\n  maintctl status shop --watch\n  \
    maintctl status shop --exit-code; case $? in 0) echo online;; 12) echo offline;; esac\n\n\
    MIXED: the Envoys disagree.")]
pub struct StatusArgs {
    /// The sites; none: all
    #[arg(value_name = "SITE")]
    pub sites: Vec<String>,
    /// Skip sites that do not exist
    #[arg(long)]
    pub ignore_not_found: bool,
    /// Print one JSON value; with --watch one a line
    #[arg(long)]
    pub json: bool,
    /// Go on until ^C: live on a terminal, else a line for each change
    #[arg(long, short)]
    pub watch: bool,
    /// Exit with the strictest mode: 0 online, 11 read-only, 12 offline
    #[arg(long)]
    pub exit_code: bool,
    /// How long to wait for the Envoys' answers
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl schedule shop --from 02:00 --for 1h --reason 'Database upgrade'\n  \
    maintctl schedule shop --from 2026-11-21T02:00:00Z --until 2026-11-21T04:00:00Z --read-only\n  \
    maintctl schedule shop --from 02:00 --stay     # until somebody opens it\n\n\
    TIME is RFC 3339 (2026-11-21T03:30:00Z) or HH:MM in local time: the next one, and for --until and --eta the next after \
    --from.")]
#[command(group(clap::ArgGroup::new("end").required(true).args(["lasting", "until", "stay"])))]
pub struct ScheduleArgs {
    /// The site; none: the only one there is
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// When it closes
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// How long it stays closed
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// When it opens
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// It stays closed until somebody opens it
    #[arg(long)]
    pub stay: bool,
    /// When visitors may come back; a duration counts from the start
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Let requests pass that change nothing: GET, HEAD and OPTIONS
    #[arg(long)]
    pub read_only: bool,
    /// Why, for visitors
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A word for other operators; visitors never see it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// An exempt rule that does not count in this window
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl cancel shop w1\n  maintctl cancel shop --all\n\n\
    `maintctl status` names the windows.")]
pub struct CancelArgs {
    /// The site; none: the only one there is
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// The windows
    #[arg(value_name = "WINDOW")]
    pub windows: Vec<String>,
    /// All windows of the site
    #[arg(long, conflicts_with = "windows")]
    pub all: bool,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl history\n  maintctl history shop --json")]
pub struct HistoryArgs {
    /// The site; none: all
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// How long to wait for the Envoys' answers
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    maintctl completions bash > ~/.local/share/bash-completion/completions/maintctl\n  \
    maintctl completions fish > ~/.config/fish/completions/maintctl.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Reads a duration such as `90s` or `2h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Some(0) => Err("at least 1ms".to_owned()),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(match when::unit_hint(text) {
            Some(hint) => format!("no unit; {hint}"),
            None => "not a duration such as 90s, 15m or 2h30m".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_alias_says_what_it_stands_for() {
        let about = |name: &str| {
            let command = Cli::command();
            command.find_subcommand(name).and_then(|command| command.get_about().map(ToString::to_string))
        };
        for (alias, expected) in [
            ("on", "Close sites, as `close` does"),
            ("activate", "Close sites, as `close` does"),
            ("off", "Open sites, as `open` does"),
            ("deactivate", "Open sites, as `open` does"),
            ("check", "Show sites, as `status` does"),
            ("close", "Close sites [also: on, activate]"),
        ] {
            assert_eq!(about(alias).as_deref(), Some(expected), "{alias}");
        }
    }

    #[test]
    fn what_does_not_exist_yet_is_a_usage_error() {
        for words in [
            "close shop --shadow",
            "close shop --settle 3s",
            "close shop --drain-timeout 3s",
            "close shop --on-timeout open",
            "close shop --new-passes",
            "sessions shop",
            "pass shop --to me",
            "forget e",
            "render close shop",
            "close shop --lease 2m",
            "close shop --lease 2m --for 1h -- true",
            "close shop --for 1h --until 02:00",
            "close shop --for 90",
            "close shop --all",
            "schedule shop --from 02:00",
            "schedule shop --from 02:00 --stay --for 1h",
        ] {
            let words = std::iter::once("maintctl").chain(words.split(' '));
            assert!(Cli::try_parse_from(words.clone()).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_command_keeps_its_own_flags() {
        let cli = Cli::try_parse_from(["maintctl", "on", "--force", "--", "ls", "--all"]).unwrap();
        let Command::On(args) = cli.command else { panic!("not `on`") };
        assert_eq!((args.sites.sites.len(), args.sites.all, args.now), (0, false, true));
        assert_eq!(args.command, ["ls", "--all"]);
    }
}
