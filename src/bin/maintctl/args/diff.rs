//! The arguments of `diff`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl diff\n  maintctl diff --json\n\n\
    maintctl compares the policy in the file that Envoy watches with the edited one. The state of sites is no difference, \
    unless the edited policy declares it. The exit code is 0 with and without differences.")]
pub struct DiffArgs {
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}
