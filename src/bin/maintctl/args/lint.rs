//! The arguments of `lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
