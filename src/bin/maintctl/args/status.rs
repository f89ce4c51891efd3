//! The arguments of `status`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl status\n  maintctl status shop --watch\n  \
    maintctl status shop --exit-code; case $? in 0) echo online;; 12) echo offline;; esac\n\n\
    MIXED means that Envoys show different modes.")]
pub struct StatusArgs {
    /// The sites [default: all]
    #[arg(value_name = "SITE")]
    pub sites: Vec<String>,
    /// Skip sites that do not exist
    #[arg(long)]
    pub ignore_not_found: bool,
    /// Print one JSON value; with --watch, one on each line
    #[arg(long)]
    pub json: bool,
    /// Show changes until ^C: live on a terminal, otherwise one line for each change
    #[arg(long, short)]
    pub watch: bool,
    /// Exit with the code of the strictest mode: 0 online, 11 read-only, 12 offline
    #[arg(long)]
    pub exit_code: bool,
    /// The time to wait for the responses of Envoys
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}
