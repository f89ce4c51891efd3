//! The arguments of `apply`.

use clap::Args;

use crate::args::common::ChangeArgs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl apply\n  maintctl apply --dry-run\n\n\
    Every other change of a file target brings the edited policy along too.")]
pub struct ApplyArgs {
    #[command(flatten)]
    pub how: ChangeArgs,
}
