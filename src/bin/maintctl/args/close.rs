//! The arguments of `close`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::common::{ChangeArgs, SiteArgs, duration};

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
    maintctl exits with the status of the command. After it, a site that another operator had closed stays closed. \
    Operators are distinguished by --by, so give each job its own --by if several jobs run as one user on one host.")]
pub struct CloseArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    /// The reason that visitors see
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A note for operators, which visitors never see
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The expected end that visitors see; the site does not open at that time. `none` removes it
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Open the site automatically after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Open the site automatically at this time; `none` removes the end
    #[arg(long, alias = "end", value_name = "TIME", conflicts_with = "lasting")]
    pub until: Option<String>,
    /// Let GET, HEAD and OPTIONS requests pass
    #[arg(long)]
    pub read_only: bool,
    /// Disable an exempt rule during this maintenance; `none` enables all rules again
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    /// Close now (the default)
    #[arg(long, alias = "force")]
    pub now: bool,
    /// While the command runs, keep the end this far ahead, so that the site opens if maintctl dies
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
