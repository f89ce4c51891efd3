//! The arguments of `cancel`.

use clap::Args;

use crate::args::common::ChangeArgs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl cancel shop w1\n  maintctl cancel shop --all\n\n\
    `maintctl status` lists the windows.")]
pub struct CancelArgs {
    /// The site [default: the only site]
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// The windows
    #[arg(value_name = "WINDOW")]
    pub windows: Vec<String>,
    /// Cancel all windows of the site
    #[arg(long, conflicts_with = "windows")]
    pub all: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
}
