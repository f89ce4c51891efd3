//! The arguments of `sync`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl sync\n  maintctl sync shop\n  \
    maintctl sync --watch                # for a service, such as envoy/systemd/maintctl-sync.service\n\n\
    Every Envoy gets the newest document of each site, also if that document is old. No mode changes: Envoys only get what \
    another Envoy, or the file, has already.")]
pub struct SyncArgs {
    /// The sites [default: all sites]
    #[arg(value_name = "SITE")]
    pub sites: Vec<String>,
    /// Repeat it every 5 s until ^C, and print repairs and problems as they change
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub watch: bool,
    /// Skip sites that do not exist
    #[arg(long, alias = "ignore-missing")]
    pub ignore_not_found: bool,
    /// Change nothing, and print which sites would be brought up to date
    #[arg(long)]
    pub dry_run: bool,
    /// The time to wait until every Envoy has the newest documents
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}
