//! The arguments of the subcommands that ask no Envoy.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl explain --policy policy.yaml https://shop.example.com/checkout\n  \
    maintctl explain --policy envoy.yaml --ip 203.0.113.7 -H 'x-staff: 1' https://shop.example.com/\n  \
    maintctl explain --policy policy.yaml --state shop.json --at 02:30 -X PUT https://api.example.com\n\n\
    The URL is taken as written: its path is not normalised, as a stranger's need not be.")]
pub struct ExplainArgs {
    /// The policy, or a bootstrap, an ECDS file or an Istio manifest that holds it
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// The plugin whose policy is meant, where the file holds several
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// A state document, as JSON or signed
    #[arg(long, value_name = "FILE")]
    pub state: Vec<PathBuf>,
    /// The moment of the request [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The client's address, as Envoy sees it
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

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl lint policy.yaml\n  maintctl lint envoy.yaml istio/*.yaml --json\n\n\
    error: Envoy would refuse it, or it does not protect what it seems to. warning: probably not what is meant. \
    note, on stderr: may well be meant.\n\
    Exit: 0 neither error nor warning · 1 some")]
pub struct LintArgs {
    /// Policies, Envoy bootstraps, ECDS files or Istio manifests
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl init > maintctl.jwk\n  \
    maintctl init --fleet prod-eu --envoys http://envoy.internal:10001/.maintenance\n  \
    maintctl init --file ecds/maintenance.yaml --policy policy.yaml\n\n\
    Files that exist are never overwritten: `maintctl init` again prints the same again, by the fleet and the key of\n\
    maintctl.toml.")]
pub struct InitArgs {
    /// The fleet that documents are made for [default: demo]
    #[arg(long, value_name = "NAME")]
    pub fleet: Option<String>,
    /// A control endpoint, with its path prefix [default: http://127.0.0.1:10001/.maintenance, but none with --file]
    #[arg(long, value_name = "URL")]
    pub envoys: Vec<String>,
    /// The file that Envoy watches, which maintctl generates
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub file: Option<PathBuf>,
    /// The policy that it is generated from
    #[arg(long, value_name = "FILE", requires = "file")]
    pub policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    maintctl completions bash > ~/.local/share/bash-completion/completions/maintctl\n  \
    maintctl completions fish > ~/.config/fish/completions/maintctl.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}
