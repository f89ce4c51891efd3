//! The arguments that several subcommands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use envoy_maintenance::time::parse_duration;

use crate::terminal::times;

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

/// Which sites a change is for.
#[derive(Clone, Debug, Args)]
pub struct SiteArgs {
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
pub struct ChangeArgs {
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

/// Reads a duration such as `90s` or `2h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Some(0) => Err("at least 1ms".to_owned()),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(match times::unit_hint(text) {
            Some(hint) => format!("no unit; {hint}"),
            None => "not a duration such as 90s, 15m or 2h30m".to_owned(),
        }),
    }
}
