//! Questions on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, bail};

use crate::exit::ExitError;
use crate::terminal::output::shown;

/// Fails if stdin is not a terminal. `asking` says why there is a question.
pub fn require_terminal(asking: &str, remedy: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!(ExitError::Usage(format!("{asking}, but stdin is not a terminal; {remedy}; nothing changed")));
    }
    Ok(())
}

/// Asks a question on the terminal, and fails unless the operator confirms.
pub fn confirm(question: &str) -> Result<()> {
    let mut stderr = io::stderr();
    write!(stderr, "{} [y/N] ", shown(question))?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("not confirmed; nothing changed"),
    }
}
