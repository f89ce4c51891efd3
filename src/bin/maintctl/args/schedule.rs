//! The arguments of `schedule`.

use std::time::Duration;

use clap::Args;

use crate::args::common::{ChangeArgs, duration};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl schedule shop --from 02:00 --for 1h --reason 'Database upgrade'\n  \
    maintctl schedule shop --from 2026-11-21T02:00:00Z --until 2026-11-21T04:00:00Z --read-only\n  \
    maintctl schedule shop --from 02:00 --stay     # stays closed until it is opened\n\n\
    TIME is HH:MM (its next occurrence) or 'YYYY-MM-DD HH:MM', both in local time, or RFC 3339 (2026-11-21T03:30:00Z). \
    In --until and --eta, HH:MM is the next one after --from.")]
#[command(group(clap::ArgGroup::new("end").required(true).args(["lasting", "until", "stay"])))]
pub struct ScheduleArgs {
    /// The site [default: the only site]
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// The start of the window
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// The length of the window
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// The end of the window
    #[arg(long, alias = "end", value_name = "TIME")]
    pub until: Option<String>,
    /// Stay closed until the site is opened
    #[arg(long)]
    pub stay: bool,
    /// The expected end that visitors see; a duration counts from the start
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// Let GET, HEAD and OPTIONS requests pass
    #[arg(long)]
    pub read_only: bool,
    /// The reason that visitors see
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A note for operators, which visitors never see
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Disable an exempt rule in this window
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
    #[command(flatten)]
    pub how: ChangeArgs,
}
