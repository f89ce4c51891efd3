//! The arguments of `history`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl history\n  maintctl history shop --json")]
pub struct HistoryArgs {
    /// The site [default: all]
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// The time to wait for the responses of Envoys
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}
