//! The arguments of `init`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl init > maintctl.jwk\n  \
    maintctl init --fleet prod-eu --envoys http://envoy.internal:10001/.maintenance\n  \
    maintctl init --file ecds/maintenance.yaml --policy policy.yaml\n\n\
    Existing files are never overwritten: `maintctl init` then prints the JWK of the existing key again.")]
pub struct InitArgs {
    /// The fleet for which documents are created [default: demo]
    #[arg(long, value_name = "NAME")]
    pub fleet: Option<String>,
    /// The URL of a control endpoint, with its path prefix [default: http://127.0.0.1:10001/.maintenance]
    #[arg(long, value_name = "URL")]
    pub envoys: Vec<String>,
    /// The file that Envoy watches, which maintctl generates
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub file: Option<PathBuf>,
    /// The policy from which the file is generated
    #[arg(long, value_name = "FILE", requires = "file")]
    pub policy: Option<PathBuf>,
}
