//! The arguments of `open`.

use clap::Args;

use crate::args::common::{ChangeArgs, SiteArgs};

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl open shop\n  maintctl open --all --yes\n\n\
    Active windows end. Future windows remain, and the answer names the next one.")]
pub struct OpenArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    /// Open now (the default)
    #[arg(long, alias = "force", hide = true)]
    pub now: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
}
