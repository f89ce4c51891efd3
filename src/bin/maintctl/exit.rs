//! Exit codes.

use std::fmt;
use std::process::ExitCode;

/// All exit codes, and their meanings.
pub const CODES: [(&str, &str); 8] = [
    ("0", "success"),
    ("1", "failure"),
    ("2", "usage error"),
    ("3", "some Envoys have not adopted the change, or cannot be read; each is named"),
    ("4", "rejected: declared by the policy, online or held by a command, wrong key, not permitted, or wrong clock"),
    ("126", "the command after `--` cannot be executed"),
    ("127", "the command after `--` was not found"),
    ("130", "interrupted by ^C"),
];

/// An error with an exit code of its own.
#[derive(Debug)]
pub enum ExitError {
    /// 2: the arguments contradict each other.
    Usage(String),
    /// 3: some Envoys have not adopted the change, or cannot be read.
    NotAdopted(String),
    /// 4: an Envoy or a rule of maintctl rejects the change.
    Rejected(String),
    /// 126: the command to run cannot be executed.
    NotExecutable(String),
    /// 127: the command to run was not found.
    NotFound(String),
}

impl fmt::Display for ExitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ExitError::Usage(text)
        | ExitError::NotAdopted(text)
        | ExitError::Rejected(text)
        | ExitError::NotExecutable(text)
        | ExitError::NotFound(text)) = self;
        formatter.write_str(text)
    }
}

impl std::error::Error for ExitError {}

/// The exit code of an error.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<ExitError>() {
        None => ExitCode::from(1),
        Some(ExitError::Usage(_)) => ExitCode::from(2),
        Some(ExitError::NotAdopted(_)) => ExitCode::from(3),
        Some(ExitError::Rejected(_)) => ExitCode::from(4),
        Some(ExitError::NotExecutable(_)) => ExitCode::from(126),
        Some(ExitError::NotFound(_)) => ExitCode::from(127),
    }
}
