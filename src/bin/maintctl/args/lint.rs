//! The arguments of `lint`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl lint policy.yaml\n  maintctl lint envoy.yaml istio/*.yaml --json\n\n\
    An error is something that Envoy rejects, or a protection that does not work. A warning is probably a mistake. Both make \
    the exit code 1. A note may be intended; notes go to stderr.")]
pub struct LintArgs {
    /// Policies, Envoy bootstraps, ECDS files or Istio manifests
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}
