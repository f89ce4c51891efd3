//! The arguments of `keys`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl keys\n  maintctl keys --json\n\n\
    A key has a line for each set of rights and plugins. ENVOYS counts the Envoys that have the key so.")]
pub struct KeysArgs {
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// The time to wait for the responses of Envoys
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}
