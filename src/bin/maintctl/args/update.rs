//! The arguments of `update`.

use clap::{ArgGroup, Args};

use crate::args::common::{ChangeArgs, SiteArgs};
use crate::args::details::DetailArgs;

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  maintctl update shop --reason 'Database upgrade, second attempt'\n  \
    maintctl update shop --until 03:30\n  maintctl update shop --eta none --suspend staff\n\n\
    TIME is HH:MM (its next occurrence) or 'YYYY-MM-DD HH:MM', both in local time, or RFC 3339 (2026-11-21T03:30:00Z).\n\n\
    Each flag changes its own field; the mode and the other fields stay the same. On a site that is online, update is an \
    error. If only a window or a running command closes the site, update changes the fields of that window or hold; the end \
    of a hold cannot be changed.")]
#[command(group(ArgGroup::new("detail").required(true).multiple(true)
    .args(["reason", "note", "eta", "lasting", "until", "suspend"])))]
pub struct UpdateArgs {
    #[command(flatten)]
    pub sites: SiteArgs,
    #[command(flatten)]
    pub details: DetailArgs,
    #[command(flatten)]
    pub how: ChangeArgs,
}
