//! What is printed. A reader that has gone away, as `head` does, is no reason to fail: what was asked for is done all the
//! same, and the exit code says how it went. An answer that is lost for another reason, as on a full disk, is an error.
//!
//! Reasons, names and errors come from documents, files and endpoints. Whatever is printed passes through here, and a
//! character that could steer a terminal is printed as `\u001b`, which JSON reads back as the same character. A value that
//! is part of a line passes through [`shown`] as well, so that it cannot begin a line of its own.

use std::borrow::Cow;
use std::fmt::{Arguments, Display, Write as _};
use std::io::{ErrorKind, Write};

use anyhow::{Context, Error, Result, anyhow};

/// The most characters of one value that are printed. A document has fewer.
const LONGEST: usize = 32_768;

/// Writes text to stdout. False: nobody reads it.
pub fn out(text: Arguments<'_>) -> Result<bool> {
    script(&clean(&text.to_string()))
}

/// Writes text of this program's own to stdout as it is.
pub fn script(text: &str) -> Result<bool> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("the answer cannot be written"),
    }
}

/// Writes a line to stderr.
pub fn line_aside(text: Arguments<'_>) {
    aside_after("", text);
}

/// Writes a line to stderr that says why the program ends.
pub fn error(text: Arguments<'_>) {
    aside_after("\x1b[1;31merror:\x1b[0m ", text);
}

/// Writes a line to stderr in the place of a live line.
pub fn over_live_line(text: Arguments<'_>) {
    aside_after("\r\x1b[K", text);
}

/// Colour goes to terminals only.
fn aside_after(style: &str, text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{style}{}", clean(&text.to_string()));
}

/// Text without characters that steer a terminal or change the order of what is read. Lines and tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    escaped(text, |c| steers(c) && !matches!(c, '\n' | '\t'))
}

/// A value as a part of one line.
pub fn shown(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", escaped(value.get(..end).unwrap_or_default(), steers)),
        None => escaped(value, steers).into_owned(),
    }
}

/// An error whose text quotes values of a file or a document, as one line.
pub fn problem(error: impl Display) -> Error {
    anyhow!(shown(&error.to_string()))
}

/// Control characters, line separators, and the characters that set the direction of text or cannot be seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match is_escaped(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// A line of the answer.
macro_rules! answer {
    ($($text:tt)*) => {
        { $crate::terminal::output::out(format_args!("{}\n", format_args!($($text)*)))?; }
    };
}

/// A line that is no answer.
macro_rules! aside {
    ($($text:tt)*) => {
        $crate::terminal::output::line_aside(format_args!($($text)*))
    };
}

#[cfg(test)]
mod tests;
