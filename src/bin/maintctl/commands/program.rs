//! The command after `--`: the check that it can be executed, its run, and its exit code.

use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::signals::Deferral;

/// Fails if the command cannot be executed, with the exit code of a shell. The search is that of the operating system.
pub fn check(command: &[OsString]) -> Result<()> {
    let program = command.first().context("no command")?;
    if which::which(program).is_ok() {
        return Ok(());
    }
    let name = shown(&program.to_string_lossy());
    let Some(found) = candidates(program).into_iter().find(|path| path.exists()) else {
        let place = if has_folder(program) { "" } else { " in PATH" };
        return Err(ExitError::NotFound(format!("{name}: command not found{place}; nothing changed")).into());
    };
    let problem = if found.is_dir() { "a folder" } else { "not executable" };
    let advice =
        if found.is_dir() { String::new() } else { format!(" (chmod +x {})", shown(&found.to_string_lossy())) };
    Err(ExitError::NotExecutable(format!("{name}: {problem}; nothing changed{advice}")).into())
}

/// The paths at which the program may be: its own, or that in each folder of PATH.
fn candidates(program: &OsStr) -> Vec<PathBuf> {
    if has_folder(program) {
        return vec![PathBuf::from(program)];
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).collect()
}

fn has_folder(program: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
}

/// Runs the command, and forwards signals to it.
pub fn run(command: &[OsString], deferral: &Deferral) -> Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("no command")?;
    let name = shown(&program.to_string_lossy());
    let failed = |error: Error| match error.kind() {
        ErrorKind::NotFound => ExitError::NotFound(format!("{name}: {error}")),
        _ => ExitError::NotExecutable(format!("{name}: {error}")),
    };
    let (mut child, _forwarding) = deferral.spawn(Command::new(program).args(arguments)).map_err(failed)?;
    Ok(child.wait().map_err(failed)?)
}

/// The exit code of maintctl: that of the command, unless it succeeded and `settled` has failed. A signal that kept the
/// command from running is shown as a shell does.
pub fn finish(status: Result<ExitStatus>, settled: Result<()>, deferral: &Deferral) -> Result<ExitCode> {
    let has_succeeded = status.as_ref().is_ok_and(ExitStatus::success);
    match settled {
        Err(error) if has_succeeded => return Err(error),
        Err(error) => aside!("error: {error:#}"),
        Ok(()) => {}
    }
    match (status, deferral.signal()) {
        (Err(_), Some(signal)) => Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))),
        (status, _) => status.map(exit_code),
    }
}

/// The exit code of the command. The end by a signal is shown as a shell does.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let number = status.code().or(signal.map(|signal| 128 + signal));
    ExitCode::from(number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1))
}
