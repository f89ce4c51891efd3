//! Path patterns: texts and segment prefixes, in the form of canonical paths.

use super::text::TextMatcher;
use crate::config::TextConfig;
use crate::request::path;
use crate::tree::{KeyPath, PathError};

/// Compiles patterns for canonical paths, also for `formats` of replies.
pub fn compile_paths(texts: &[TextConfig], path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    for (index, text) in texts.iter().enumerate() {
        match text {
            TextConfig::Plain(text) if !text.starts_with(['/', '*']) => {
                let problem = format_args!("\"{text}\" starts with neither '/' nor '*'");
                return Err(PathError::new(&path.index(index), problem));
            }
            TextConfig::Absent => {
                return Err(PathError::new(&path.index(index), "a request always has a path"));
            }
            _ => {}
        }
    }
    TextMatcher::compile(texts, path, canonical_pattern)
}

/// The literal part of a pattern as it stands in canonical paths. What stands for the `*` is tried with a letter in its
/// place.
fn canonical_pattern(literal: &str, text: &str) -> Result<String, String> {
    let before = if text.starts_with('*') { "/x" } else { "" };
    let after = if text.ends_with('*') { "x" } else { "" };
    let whole = path::canonical(format!("{before}{literal}{after}").as_bytes());
    let canonical = whole.as_deref().and_then(|whole| whole.strip_prefix(before)?.strip_suffix(after));
    let problem = match canonical {
        _ if literal.contains('?') => {
            "has a '?', but paths are matched without the query, for which there is \"query\""
        }
        Some(canonical) => return Ok(canonical.to_owned()),
        None => "is no canonical path, so no request could ever match it",
    };
    Err(format!("\"{text}\" {problem}"))
}

/// Reads a segment prefix, as it stands in canonical paths and without a trailing slash.
pub fn compile_prefix(text: &str, key_path: &KeyPath<'_>) -> Result<String, PathError> {
    match path::canonical(text.as_bytes()) {
        Some(prefix) if !text.contains('*') => Ok(prefix.strip_suffix('/').unwrap_or(&prefix).to_owned()),
        _ => Err(PathError::new(
            key_path,
            format_args!("\"{text}\" is not a canonical path prefix such as \"/checkout\""),
        )),
    }
}
