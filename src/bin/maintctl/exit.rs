//! How maintctl ends: what went wrong, and the exit code that scripts rely on.

use std::fmt;
use std::process::ExitCode;

/// The end of a run that did not do all that was asked, with its documented code.
#[derive(Debug)]
pub enum ExitError {
    /// 2: the arguments make no sense together.
    Usage(String),
    /// 3: some Envoys have not followed, or cannot be read.
    NotAdopted(String),
    /// 4: refused.
    Rejected(String),
}

impl fmt::Display for ExitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ExitError::Usage(text) | ExitError::NotAdopted(text) | ExitError::Rejected(text)) = self;
        formatter.write_str(text)
    }
}

impl std::error::Error for ExitError {}

/// The exit code for `error`.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<ExitError>() {
        None => ExitCode::from(1),
        Some(ExitError::Usage(_)) => ExitCode::from(2),
        Some(ExitError::NotAdopted(_)) => ExitCode::from(3),
        Some(ExitError::Rejected(_)) => ExitCode::from(4),
    }
}
