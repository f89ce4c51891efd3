//! Output to stdout and stderr. A closed pipe, such as that of `head`, is not an error: the exit code still reports the
//! result. Any other failure to write an answer is an error, such as a full disk.
//!
//! Documents, files and endpoints are not trusted: characters that control a terminal are printed as escapes such as
//! `\u001b`, which are valid JSON. A value within a line also passes through [`shown`], which escapes line breaks.

use std::borrow::Cow;
use std::fmt::{Arguments, Display, Write as _};
use std::io::{ErrorKind, Write};

use anyhow::{Context, Error, Result, anyhow};

/// The maximum length of a printed value in characters. Documents are shorter.
const LONGEST: usize = 32_768;

/// Writes text to stdout. Returns false if the reader has closed the pipe.
pub fn out(text: Arguments<'_>) -> Result<bool> {
    script(&clean(&text.to_string()))
}

/// A number with its noun, such as `1 file` or `2 files`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Writes trusted text to stdout without escapes.
pub fn script(text: &str) -> Result<bool> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("the answer cannot be written"),
    }
}

/// True if stdout shows colours: it is a terminal, and NO_COLOR is not set.
pub fn has_colours() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Writes a line to stderr.
pub fn line_aside(text: Arguments<'_>) {
    aside_after("", text);
}

/// Writes the final error to stderr.
pub fn error(text: Arguments<'_>) {
    aside_after("\x1b[1;31merror:\x1b[0m ", text);
}

/// Writes a line to stderr that replaces a live line.
pub fn over_live_line(text: Arguments<'_>) {
    aside_after("\r\x1b[K", text);
}

/// Writes to stderr, with colour only on a terminal.
fn aside_after(style: &str, text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{style}{}", clean(&text.to_string()));
}

/// Text with escapes for characters that control a terminal or change the direction of text. Line breaks and tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
}

/// A value as part of one line, shortened to a maximum length.
pub fn shown(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", escaped(value.get(..end).unwrap_or_default(), is_unsafe)),
        None => escaped(value, is_unsafe).into_owned(),
    }
}

/// An error that quotes values of a file or a document, as one line.
pub fn problem(error: impl Display) -> Error {
    anyhow!(shown(&error.to_string()))
}

/// True if this is a control character, a line separator, an invisible character, or one that sets the text direction.
fn is_unsafe(c: char) -> bool {
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
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    Cow::Owned(escaped)
}

/// Prints a line to stdout.
macro_rules! answer {
    ($($text:tt)*) => {
        { $crate::terminal::output::out(format_args!("{}\n", format_args!($($text)*)))?; }
    };
}

/// Prints a line to stderr.
macro_rules! aside {
    ($($text:tt)*) => {
        $crate::terminal::output::line_aside(format_args!($($text)*))
    };
}

#[cfg(test)]
mod tests;
