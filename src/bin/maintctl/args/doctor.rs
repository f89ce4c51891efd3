//! The arguments of `doctor`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl doctor\n  maintctl doctor --target edge --json\n\n\
    Each line is the result of one check: ok, note, warning or error. Warnings and errors end with the next step, and make \
    the exit code 1.")]
pub struct DoctorArgs {
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// The time to wait for the responses of Envoys
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}
