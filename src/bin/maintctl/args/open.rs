//! The arguments of `open`.

use std::ffi::OsString;

use clap::Args;

use crate::args::common::{ChangeArgs, SiteArgs};

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl open shop\n  maintctl open --all --yes\n  \
    maintctl open shop -- ./smoke-test.sh         # restores the previous state afterwards\n\n\
    Active windows end. Future windows remain, and the answer names the next one. The holds of running commands end too: \
    the answer names their owners, and on a terminal maintctl asks first.\n\n\
    With a command, the sites are open while it runs. Then each of them is closed as before, unless another operator has \
    changed it meanwhile. maintctl exits with the status of the command. A site with a hold is not opened for a command.")]
pub struct OpenArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    /// Open now (the default)
    #[arg(long, alias = "force", hide = true)]
    pub now: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
    /// The command to run while the sites are open
    #[arg(last = true, value_name = "CMD", conflicts_with = "json")]
    pub command: Vec<OsString>,
}
