//! What is printed. A reader that has gone away, as `head` does, is no reason to panic: what was asked for is done all
//! the same, and the exit code says how it went.

use std::fmt::Arguments;
use std::io::{Result, Write};

/// Writes text to stdout; colour goes to terminals only.
pub fn out(text: Arguments<'_>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_fmt(text)?;
    out.flush()
}

/// Writes a line to stderr.
pub fn line_aside(text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// A line of the answer.
macro_rules! answer {
    ($($text:tt)*) => {
        { let _ = $crate::say::out(format_args!("{}\n", format_args!($($text)*))); }
    };
}

/// A line that is no answer.
macro_rules! aside {
    ($($text:tt)*) => {
        $crate::say::line_aside(format_args!($($text)*))
    };
}
