//! Path patterns: texts for whole paths, and segment prefixes. Both are converted to the form of canonical paths, in which
//! requests are compared with them.

use super::text::TextMatcher;
use crate::config::TextConfig;
use crate::request::path;
use crate::tree::{KeyPath, PathError};

/// Compiles the `paths` of a rule or of an entry in `formats`.
pub fn compile_paths(texts: &[TextConfig], path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    for (index, text) in texts.iter().enumerate() {
        match text {
            TextConfig::Plain(text) if !text.starts_with(['/', '*']) => {
                let problem = format_args!("\"{text}\" starts with neither '/' nor '*'");
                return Err(PathError::new(&path.index(index), problem));
            }
            TextConfig::Absent => {
                return Err(PathError::new(&path.index(index), "every request has a path"));
            }
            _ => {}
        }
    }
    TextMatcher::compile(texts, path, canonical_pattern)
}

/// The literal part of a pattern in canonical form. The `*` is replaced with a letter, so that the pattern is a path.
fn canonical_pattern(literal: &str, text: &str) -> Result<String, String> {
    let before = if text.starts_with('*') { "/x" } else { "" };
    let after = if text.ends_with('*') { "x" } else { "" };
    let whole = path::canonical(format!("{before}{literal}{after}").as_bytes());
    let canonical = whole.as_deref().and_then(|whole| whole.strip_prefix(before)?.strip_suffix(after));
    let problem = match canonical {
        _ if literal.contains('?') => "contains a '?', but paths are compared without the query; use \"query\"",
        Some(canonical) => return Ok(canonical.to_owned()),
        None => "is not a canonical path, so it would match no request",
    };
    Err(format!("\"{text}\" {problem}"))
}

/// Compiles a segment prefix, such as `/checkout`, which matches `/checkout` and `/checkout/x`. The result is canonical and
/// has no trailing slash; it is empty for `/`.
pub fn compile_prefix(text: &str, key_path: &KeyPath<'_>) -> Result<String, PathError> {
    match path::canonical(text.as_bytes()) {
        Some(prefix) if !text.contains('*') => Ok(prefix.strip_suffix('/').unwrap_or(&prefix).to_owned()),
        _ => Err(PathError::new(
            key_path,
            format_args!("\"{text}\" is not a canonical path prefix such as \"/checkout\""),
        )),
    }
}
