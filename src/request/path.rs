//! The path of a request: the one form that rules are matched against, or the ways in which servers may read it.
//!
//! A path is *canonical* if every server reads it alike, such as `/shop/a%20b`. Any other path is ambiguous, such as
//! `/shop//a`, `/shop;x=1` or `/shop%2Fa`: it satisfies no rule that opens and names paths, and it is refused where one of
//! its few interpretations would be. A path with a dot segment in any decoding, such as `/a/..%252Fshop`, may lead
//! anywhere on its host: servers resolve it at different moments, so its interpretations are not enumerated.

use encoding::{decode, is_plain, settle, spell};

mod encoding;
mod interpretation;

pub use encoding::units;
pub use interpretation::{Interpretation, NamedHost};

/// Longer paths may lead anywhere, in bytes: to read them costs more than a stranger may cause.
pub const MAX_PATH: usize = 8 * 1024;
/// How much is kept of a path that may lead anywhere, in bytes.
const MAX_SHOWN: usize = 1024;

/// A path without its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestPath {
    /// Every server reads it alike. What needs no percent-encoding is decoded, as most applications do: unreserved
    /// characters (RFC 3986 section 6.2.2.2), the others that may stand in a path (`!$&'()*+,=:@`, section 3.3), and those
    /// that may not but that Envoy lets through (`"<>[]^{|}` and the backtick). The hexadecimal digits of all else are
    /// upper case.
    Canonical(String),
    /// Servers read it in different ways: it holds an empty segment, a slash, `\`, `;`, `#` or `?` in whatever spelling, a
    /// control character, bytes that are not ASCII, bad percent-encoding, or encoded bytes that are not UTF-8, or it
    /// changes when it is decoded again.
    Ambiguous {
        /// As it came.
        raw: String,
        /// All ways to read it.
        interpretations: Vec<Interpretation>,
    },
    /// It has a dot segment in some decoding, does not begin with a slash, or is too long or too ambiguous to enumerate
    /// its interpretations.
    Anywhere {
        /// As it came, cut.
        raw: String,
        /// Once its dots are resolved it may begin with `//name`, which some servers read as a host.
        may_leave_host: bool,
    },
}

impl RequestPath {
    /// Reads the bytes before the query of a `:path`.
    pub fn parse(bytes: &[u8]) -> RequestPath {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if bytes.len() > MAX_PATH {
            let raw = shown(bytes.get(..MAX_SHOWN).unwrap_or(bytes));
            let is_simple = plain(bytes).is_some_and(|text| !text.contains('%') && !text.contains("//"));
            return RequestPath::Anywhere { raw, may_leave_host: !is_simple };
        }
        if let Some(path) = canonical(bytes) {
            return RequestPath::Canonical(path);
        }
        let raw = shown(bytes);
        let is_rooted = bytes.starts_with(b"/") || bytes == b"*";
        let settled = settle(bytes, true);
        let interpretations = (is_rooted && !has_dot_segment(&settled)).then(|| interpretation::interpretations(bytes));
        match interpretations.flatten() {
            Some(interpretations) => RequestPath::Ambiguous { raw, interpretations },
            None => RequestPath::Anywhere { raw, may_leave_host: may_begin_with_host(&settled) },
        }
    }

    /// The canonical form, if there is one.
    pub fn canonical(&self) -> Option<&str> {
        match self {
            RequestPath::Canonical(path) => Some(path),
            RequestPath::Ambiguous { .. } | RequestPath::Anywhere { .. } => None,
        }
    }

    /// The canonical form, or the path of every interpretation; none for a path that may lead anywhere.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            RequestPath::Canonical(path) => vec![path],
            RequestPath::Ambiguous { interpretations, .. } => {
                interpretations.iter().map(|one| one.path.as_str()).collect()
            }
            RequestPath::Anywhere { .. } => Vec::new(),
        }
    }

    /// The path as people are shown it.
    pub fn shown(&self) -> &str {
        match self {
            RequestPath::Canonical(path) => path,
            RequestPath::Ambiguous { raw, .. } | RequestPath::Anywhere { raw, .. } => raw,
        }
    }
}

/// The canonical form of a path, or none for one that servers could read in different ways.
pub fn canonical(bytes: &[u8]) -> Option<String> {
    let text = if bytes.contains(&b'%') { normalized(bytes)? } else { plain(bytes)?.to_owned() };
    let segments = text.as_bytes().strip_prefix(b"/")?;
    let mut empty = false;
    for segment in segments.split(|byte| *byte == b'/') {
        // An empty segment is fine at the end only: `/a/` is, `/a//b` is not.
        if empty || matches!(segment, b"." | b"..") {
            return None;
        }
        empty = segment.is_empty();
    }
    (segments.is_empty() || !segments.starts_with(b"/")).then_some(text)
}

/// A path without percent-encoding.
fn plain(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| is_plain(byte) && byte != b'?'))
}

/// A path with percent-encoding, in one spelling.
fn normalized(bytes: &[u8]) -> Option<String> {
    let is_clear = |(byte, is_encoded): (u8, bool)| match is_encoded {
        // What some servers read specially once they have decoded it.
        true => !matches!(byte, b'/' | b'\\' | b';' | b'#' | b'?' | 0..=0x1f | 0x7f),
        // A raw percent sign is one that encodes nothing.
        false => is_plain(byte) && !matches!(byte, b'%' | b'?'),
    };
    if !units(bytes).all(is_clear) {
        return None;
    }
    let decoded = decode(bytes);
    let is_settled = !decoded.contains(&b'%') || settle(&decoded, false) == decoded;
    // A URL parser cuts a space off the end.
    if !is_settled || decoded.ends_with(b" ") || std::str::from_utf8(&decoded).is_err() {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    decoded.iter().for_each(|byte| spell(*byte, &mut text));
    Some(text)
}

/// Whether a segment of any decoding is `.` or `..`, with `\` as a slash, and without what a server may cut off: the
/// parameters of the segment, all of the path from `#`, `?` or NUL on, or spaces and control characters at its end. A dot
/// segment of one decoding is still there in the last.
fn has_dot_segment(settled: &[u8]) -> bool {
    let end = settled.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    names(settled.get(..end).unwrap_or_default()).any(|name| matches!(name, b"." | b".."))
}

/// Whether the path may begin with `//name` once its dots are resolved: an empty segment, not the last, at the root.
fn may_begin_with_host(settled: &[u8]) -> bool {
    let mut names = names(settled).skip(1).peekable();
    let mut depth = 0_usize;
    while let Some(name) = names.next() {
        match name {
            b"" if depth == 0 && names.peek().is_some() => return true,
            b"" | b"." => {}
            b".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    false
}

/// The segments, `\` being a slash, without what a server may cut off.
fn names(settled: &[u8]) -> impl Iterator<Item = &[u8]> {
    settled
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|segment| segment.split(|byte| matches!(byte, b';' | b'#' | b'?' | b'\0')).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
