//! The arguments of the subcommands that send no requests.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  maintctl lint policy.yaml\n  maintctl lint envoy.yaml .run/ecds/maintenance.yaml\n  \
    maintctl lint istio/*.yaml --format sarif\n  maintctl lint --codes\n\n\
    An error is something that Envoy rejects, or a protection that does not work. A warning is probably a mistake. Both make \
    the exit code 1. A note may be intended.\n\n\
    Files of one Envoy are compared with each other if they are given together.\n\n\
    The comment `# lint: allow CODE` accepts the findings of that code in its line or, on a line of its own, in the line \
    below. Words behind the code are for the reader."
)]
pub struct LintArgs {
    /// Policies, Envoy bootstraps, ECDS files or Istio manifests
    #[arg(value_name = "FILE", required_unless_present = "codes")]
    pub files: Vec<PathBuf>,
    /// The format of the findings
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "json")]
    pub format: LintFormat,
    /// Print one JSON value, like --format json
    #[arg(long)]
    pub json: bool,
    /// List the codes of all findings
    #[arg(long, conflicts_with_all = ["files", "format", "json"])]
    pub codes: bool,
}

/// The formats in which `maintctl lint` prints its findings.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LintFormat {
    Text,
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl init > maintctl.jwk\n  \
    maintctl init --fleet prod-eu --envoys http://envoy.internal:10001/.maintenance\n  \
    maintctl init --file ecds/maintenance.yaml --policy policy.yaml\n\n\
    Existing files are never overwritten: `maintctl init` then prints the JWK of the existing key again.")]
pub struct InitArgs {
    /// The fleet for which documents are created [default: demo]
    #[arg(long, value_name = "NAME")]
    pub fleet: Option<String>,
    /// The URL of a control endpoint, with its path prefix [default: http://127.0.0.1:10001/.maintenance; with --file, none]
    #[arg(long, value_name = "URL")]
    pub envoys: Vec<String>,
    /// The file that Envoy watches, which maintctl generates
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub file: Option<PathBuf>,
    /// The policy from which the file is generated
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
