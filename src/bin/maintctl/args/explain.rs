//! The arguments of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl explain --policy policy.yaml https://shop.example.com/checkout\n  \
    maintctl explain --policy envoy.yaml --ip 203.0.113.7 -H 'x-staff: 1' https://shop.example.com/\n  \
    maintctl explain --policy policy.yaml --state shop.json --at 02:30 -X PUT https://api.example.com\n\n\
    The path of the URL is not normalized, because clients can send any path.")]
pub struct ExplainArgs {
    /// The policy, or a bootstrap, an ECDS file or an Istio manifest that contains it
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// The plugin, if the file has several
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// A state document, as JSON or signed
    #[arg(long, value_name = "FILE")]
    pub state: Vec<PathBuf>,
    /// The time of the request [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The client address, as Envoy reports it
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// A header of the request
    #[arg(long, short = 'H', value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// The method of the request
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// The URL of the request
    #[arg(value_name = "URL")]
    pub url: String,
}
