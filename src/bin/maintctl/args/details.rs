//! The arguments that describe a maintenance, of `close` and `update`.

use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Clone, Debug, Args)]
pub struct DetailArgs {
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
    /// Disable an exempt rule during this maintenance; `none` enables all rules again
    #[arg(long, value_name = "RULE")]
    pub suspend: Vec<String>,
}
