//! How maintctl ends: what went wrong, and the exit code that scripts rely on.

use std::fmt;
use std::process::ExitCode;

/// The end of a run that did not do all that was asked, with its documented code.
#[derive(Debug)]
pub enum End {
    /// 2: the arguments make no sense together.
    Usage(String),
    /// 3: some Envoys have not followed, or cannot be read.
    NotFollowed(String),
    /// 4: refused.
    Refused(String),
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (End::Usage(text) | End::NotFollowed(text) | End::Refused(text)) = self;
        formatter.write_str(text)
    }
}

impl std::error::Error for End {}

/// The exit code for `error`.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<End>() {
        None => ExitCode::from(1),
        Some(End::Usage(_)) => ExitCode::from(2),
        Some(End::NotFollowed(_)) => ExitCode::from(3),
        Some(End::Refused(_)) => ExitCode::from(4),
    }
}
