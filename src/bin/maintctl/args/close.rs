//! The arguments of `close`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::common::{ChangeArgs, SiteArgs, duration};
use crate::args::details::DetailArgs;

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl close shop --reason 'Database upgrade' --for 1h\n  \
    maintctl close shop --until 03:30             # also changes the end of a closed site\n  \
    maintctl close shop api --read-only --eta 20m\n  \
    maintctl close shop --suspend staff           # keeps out staff too\n  \
    maintctl close shop -- ./migrate.sh           # opens the site if the command succeeds\n  \
    maintctl close shop --lease 2m -- ./migrate.sh\n\n\
    TIME is HH:MM (its next occurrence) or 'YYYY-MM-DD HH:MM', both in local time, or RFC 3339 (2026-11-21T03:30:00Z).\n\n\
    On a closed site, each flag changes its own field, and the other fields stay the same. The mode becomes offline, or \
    read-only with --read-only.\n\n\
    With a command, maintctl takes a hold on each site, and releases it when the command ends. A site opens when its last \
    hold ends, unless an operator has closed it or a window is active. If the command fails, the sites stay closed until an \
    operator opens them; --on-failure open releases the holds instead. Without --lease, the hold of a maintctl that was \
    killed stays until `maintctl open`.\n\n\
    maintctl exits with the status of the command.")]
pub struct CloseArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    #[command(flatten)]
    pub details: DetailArgs,
    /// Let GET, HEAD and OPTIONS requests pass
    #[arg(long)]
    pub read_only: bool,
    /// Close now (the default)
    #[arg(long, alias = "force")]
    pub now: bool,
    /// While the command runs, keep the end of the hold this far ahead, so that the hold ends if maintctl dies
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "command",
        conflicts_with_all = ["lasting", "until"])]
    pub lease: Option<Duration>,
    /// The action if the command fails, or cannot run because some Envoy has not adopted the change [default: stay]
    #[arg(long, value_name = "ACTION", requires = "command")]
    pub on_failure: Option<OnFailure>,
    #[command(flatten)]
    pub how: ChangeArgs,
    /// The command to run while the sites are closed
    #[arg(last = true, value_name = "CMD", conflicts_with = "json")]
    pub command: Vec<OsString>,
}

/// The action after a command that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// Keep the sites closed
    #[default]
    Stay,
    /// Open the sites
    Open,
}
