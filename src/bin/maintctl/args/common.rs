//! Arguments of several subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use envoy_maintenance::time::parse_duration;

use crate::terminal::times;

/// The arguments of all subcommands.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", env = "MAINTCTL_CONFIG")]
    pub config: Option<PathBuf>,
    /// The target [default: `default` of the configuration]
    #[arg(long, global = true, value_name = "NAME", env = "MAINTCTL_TARGET")]
    pub target: Option<String>,
}

/// The sites of a change.
#[derive(Clone, Debug, Args)]
pub struct SiteArgs {
    /// The sites [default: the only site]
    #[arg(value_name = "SITE")]
    pub sites: Vec<String>,
    /// Change all sites of the target
    #[arg(long, conflicts_with = "sites")]
    pub all: bool,
    /// Skip sites that do not exist
    #[arg(long, alias = "ignore-missing")]
    pub ignore_not_found: bool,
}

/// The options of a change.
#[derive(Clone, Debug, Args)]
pub struct ChangeArgs {
    /// Print the documents and the answer, and change nothing
    #[arg(long, conflicts_with = "interactive")]
    pub dry_run: bool,
    /// Print what would change, and ask for confirmation first
    #[arg(long, short, conflicts_with = "yes")]
    pub interactive: bool,
    /// Change without confirmation
    #[arg(long, short, alias = "noinput", alias = "no-input")]
    pub yes: bool,
    /// The time to wait until every Envoy has adopted the change
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Wait until every Envoy has adopted the change
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub wait: bool,
    /// The author of the change [default: user@host]
    #[arg(long, value_name = "NAME", env = "MAINTCTL_BY")]
    pub by: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// Parses a duration such as `90s` or `2h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Some(0) => Err("at least 1ms".to_owned()),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(match times::unit_hint(text) {
            Some(hint) => format!("no unit; {hint}"),
            None if text.starts_with('-') => "negative; durations count forwards".to_owned(),
            None if text.contains(':') => {
                "a time, not a duration such as 90s or 2h30m; for times, there is --until".to_owned()
            }
            None => "not a duration such as 90s, 15m or 2h30m".to_owned(),
        }),
    }
}
