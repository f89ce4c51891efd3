//! The arguments of `preview`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::common::duration;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  maintctl preview --policy policy.yaml shop --reason 'Database upgrade' --eta 20m\n  \
    maintctl preview --policy policy.yaml shop --out page.html\n  \
    maintctl preview --policy policy.yaml shop --state shop.json --no-browser --port 8080\n\n\
    maintctl serves the page on a loopback address until ^C, by the code that Envoy runs. Clients get the format that they \
    accept: curl -H 'accept: application/json' URL. Each request reads the policy again, so that a reload shows an edit. \
    Nothing is sent to Envoy."
)]
pub struct PreviewArgs {
    /// The policy, or a bootstrap, an ECDS file or an Istio manifest that contains it
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// The plugin, if the file has several
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// The site [default: the only site]
    #[arg(value_name = "SITE")]
    pub site: Option<String>,
    /// The reason that visitors see
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The expected end that visitors see
    #[arg(long, value_name = "DURATION|TIME")]
    pub eta: Option<String>,
    /// The time after which the site opens
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// The time at which the site opens
    #[arg(long, value_name = "TIME", conflicts_with = "lasting")]
    pub until: Option<String>,
    /// Show the reply to a request that changes data, in read-only mode
    #[arg(long)]
    pub read_only: bool,
    /// A state document, as JSON or signed, instead of the flags above
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reason", "eta", "lasting", "until", "read_only"])]
    pub state: Option<PathBuf>,
    /// Write the page to this file, and serve nothing; `-` is stdout
    #[arg(long, value_name = "FILE", conflicts_with_all = ["port", "no_browser"])]
    pub out: Option<PathBuf>,
    /// The port of the loopback address [default: a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Print the address only
    #[arg(long)]
    pub no_browser: bool,
}
