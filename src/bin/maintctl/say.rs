//! What is printed. A reader that has gone away, as `head` does, is no reason to fail: what was asked for is done all the
//! same, and the exit code says how it went. An answer that is lost for another reason, as on a full disk, is an error.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Writes text to stdout; colour goes to terminals only. False: nobody reads it.
pub fn out(text: Arguments<'_>) -> Result<bool> {
    let mut out = anstream::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("the answer cannot be written"),
    }
}

/// Writes a line to stderr.
pub fn line_aside(text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// A line of the answer.
macro_rules! answer {
    ($($text:tt)*) => {
        { $crate::say::out(format_args!("{}\n", format_args!($($text)*)))?; }
    };
}

/// A line that is no answer.
macro_rules! aside {
    ($($text:tt)*) => {
        $crate::say::line_aside(format_args!($($text)*))
    };
}
