//! The arguments of the subcommands that change sites.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::common::{ChangeArgs, SiteArgs, duration};

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl close shop --reason 'Database upgrade' --for 1h\n  \
    maintctl close shop --until 03:30             # also moves the end of a site that is closed\n  \
    maintctl close shop api --read-only --eta 20m\n  \
    maintctl close shop --suspend staff           # staff is kept out too, this time\n  \
    maintctl close shop -- ./migrate.sh           # opens if it succeeded, and exits with its status\n  \
    maintctl close shop --lease 2m -- ./migrate.sh\n\n\
    TIME is RFC 3339 (2026-11-21T03:30:00Z) or HH:MM, the next one in local time.\n\
    On a site that is closed, flags change what they name and the rest stays; without --read-only it is then offline.\n\
    After a command, what others have closed stays closed. They are told apart by --by alone, so give each job a --by\n\
    of its own where several run as one user on one host, as on a CI runner.")]
pub struct CloseArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    /// Why, for visitors
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A word for other operators; visitors never see it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// When visitors may come back: a promise, nothing opens by it; `none` takes it back
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Open by itself after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Open by itself at this time; `none`: stay closed until somebody opens it
    #[arg(long, value_name = "TIME", conflicts_with = "lasting")]
    pub until: Option<String>,
    /// Let requests pass that change nothing: GET, HEAD and OPTIONS
    #[arg(long)]
    pub read_only: bool,
    /// An exempt rule that does not count this time; `none` lets all count again
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    /// Close at once, as it does anyway
    #[arg(long, alias = "force")]
    pub now: bool,
    /// While the command runs keep the end this far ahead, so that a dead runner reopens the site
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "command",
        conflicts_with_all = ["lasting", "until"])]
    pub lease: Option<Duration>,
    /// What happens if the command fails, or is not run as not every Envoy follows [default: stay]
    #[arg(long, value_name = "WHAT", requires = "command")]
    pub on_failure: Option<OnFailure>,
    #[command(flatten)]
    pub how: ChangeArgs,
    /// A command to run while the sites are closed
    #[arg(last = true, value_name = "CMD", conflicts_with = "json")]
    pub command: Vec<OsString>,
}

/// What becomes of a site whose command failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    #[default]
    Stay,
    Open,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl open shop\n  maintctl open --all --yes\n\n\
    Windows that are open end; later ones stay, and the next is named.")]
pub struct OpenArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    /// Open at once, as it always does
    #[arg(long, alias = "force", hide = true)]
    pub now: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl schedule shop --from 02:00 --for 1h --reason 'Database upgrade'\n  \
    maintctl schedule shop --from 2026-11-21T02:00:00Z --until 2026-11-21T04:00:00Z --read-only\n  \
    maintctl schedule shop --from 02:00 --stay     # until somebody opens it\n\n\
    TIME is RFC 3339 (2026-11-21T03:30:00Z) or HH:MM in local time: the next one, and for --until and --eta the next after \
    --from.")]
#[command(group(clap::ArgGroup::new("end").required(true).args(["lasting", "until", "stay"])))]
pub struct ScheduleArgs {
    /// The site; none: the only one there is
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// When it closes
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// How long it stays closed
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// When it opens
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// It stays closed until somebody opens it
    #[arg(long)]
    pub stay: bool,
    /// When visitors may come back; a duration counts from the start
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Let requests pass that change nothing: GET, HEAD and OPTIONS
    #[arg(long)]
    pub read_only: bool,
    /// Why, for visitors
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A word for other operators; visitors never see it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// An exempt rule that does not count in this window
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    #[command(flatten)]
    pub how: ChangeArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl cancel shop w1\n  maintctl cancel shop --all\n\n\
    `maintctl status` names the windows.")]
pub struct CancelArgs {
    /// The site; none: the only one there is
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// The windows
    #[arg(value_name = "WINDOW")]
    pub windows: Vec<String>,
    /// All windows of the site
    #[arg(long, conflicts_with = "windows")]
    pub all: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
}
