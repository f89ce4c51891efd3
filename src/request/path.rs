//! The path of a request: its canonical form, or the ways in which servers can interpret it.
//!
//! A path is *canonical* if all servers interpret it alike, such as `/shop/a%20b`. Any other path is *ambiguous*, such as
//! `/shop//a`, `/shop;x=1` or `/shop%2Fa`: it matches no rule that opens and has `paths`, and it is refused if one of its few
//! interpretations would be. A path with a dot segment in any decoding, such as `/a/..%252Fshop`, may resolve to any path
//! of its host: servers resolve it at different stages of decoding, so its interpretations are not enumerated.

use encoding::{decode, decode_fully, is_plain, push_canonical};

mod encoding;
mod interpretation;

pub use encoding::units;
pub use interpretation::{Interpretation, NamedHost};

/// The longest path that is examined, in bytes. Longer ones may resolve to any path.
pub const MAX_PATH: usize = 8 * 1024;
/// The part of a path without canonical form that is kept for display, in bytes.
const MAX_SHOWN: usize = 1024;

/// A path without its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestPath {
    /// The canonical form of a path that all servers interpret alike. Percent-encoding is removed where it is not needed,
    /// as most applications do: from unreserved characters (RFC 3986 section 6.2.2.2), from the other characters of a path
    /// (`!$&'()*+,=:@`, section 3.3), and from those that Envoy accepts although a path cannot contain them (`"<>[]^{|}` and
    /// the backtick). The remaining hexadecimal digits are in upper case.
    Canonical(String),
    /// Servers interpret the path differently. It contains an empty segment; `\`, `;`, `#` or an encoded slash or `?`; a
    /// control character; bytes that are not ASCII; malformed percent-encoding; or encoded bytes that are not UTF-8. Or it
    /// changes when it is decoded again.
    Ambiguous {
        /// As it came.
        raw: String,
        /// All ways to read it.
        interpretations: Vec<Interpretation>,
    },
    /// The path may resolve to any path: it has a dot segment in some decoding, does not begin with a slash, or is too long
    /// or too ambiguous to enumerate its interpretations.
    Anywhere {
        /// As it came, cut.
        raw: String,
        /// Once its dots are resolved it may begin with `//name`, which some servers read as a host.
        may_leave_host: bool,
    },
}

impl RequestPath {
    /// Parses the part of a `:path` before the query.
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
        let decoded = decode_fully(bytes, true);
        let interpretations = (is_rooted && !has_dot_segment(&decoded)).then(|| interpretation::interpretations(bytes));
        match interpretations.flatten() {
            Some(interpretations) => RequestPath::Ambiguous { raw, interpretations },
            None => RequestPath::Anywhere { raw, may_leave_host: may_begin_with_host(&decoded) },
        }
    }

    /// The canonical form, if the path has one.
    pub fn canonical(&self) -> Option<&str> {
        match self {
            RequestPath::Canonical(path) => Some(path),
            RequestPath::Ambiguous { .. } | RequestPath::Anywhere { .. } => None,
        }
    }

    /// The canonical form, or the paths of all interpretations; empty for a path that may resolve to any path.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            RequestPath::Canonical(path) => vec![path],
            RequestPath::Ambiguous { interpretations, .. } => {
                interpretations.iter().map(|one| one.path.as_str()).collect()
            }
            RequestPath::Anywhere { .. } => Vec::new(),
        }
    }

    /// The path for display.
    pub fn shown(&self) -> &str {
        match self {
            RequestPath::Canonical(path) => path,
            RequestPath::Ambiguous { raw, .. } | RequestPath::Anywhere { raw, .. } => raw,
        }
    }
}

/// The canonical form of a path; none if servers interpret it differently.
pub fn canonical(bytes: &[u8]) -> Option<String> {
    let text = if bytes.contains(&b'%') { normalized(bytes)? } else { plain(bytes)?.to_owned() };
    let segments = text.as_bytes().strip_prefix(b"/")?;
    let mut empty = false;
    for segment in segments.split(|byte| *byte == b'/') {
        // An empty segment is unambiguous at the end only: `/a/`, but not `/a//b`.
        if empty || matches!(segment, b"." | b"..") {
            return None;
        }
        empty = segment.is_empty();
    }
    (segments.is_empty() || !segments.starts_with(b"/")).then_some(text)
}

/// Checks a path without percent-encoding.
fn plain(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| is_plain(byte) && byte != b'?'))
}

/// The canonical form of a path with percent-encoding.
fn normalized(bytes: &[u8]) -> Option<String> {
    let is_clear = |(byte, is_encoded): (u8, bool)| {
        if is_encoded {
            // Some servers treat these characters specially after decoding.
            !matches!(byte, b'/' | b'\\' | b';' | b'#' | b'?' | 0..=0x1f | 0x7f)
        } else {
            // A raw percent sign encodes nothing.
            is_plain(byte) && !matches!(byte, b'%' | b'?')
        }
    };
    if !units(bytes).all(is_clear) {
        return None;
    }
    let decoded = decode(bytes);
    let is_final = !decoded.contains(&b'%') || decode_fully(&decoded, false) == decoded;
    // URL parsers remove a space at the end.
    if !is_final || decoded.ends_with(b" ") || std::str::from_utf8(&decoded).is_err() {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    decoded.iter().for_each(|byte| push_canonical(*byte, &mut text));
    Some(text)
}

/// True if a segment of any decoding is `.` or `..`, with `\` as a slash, and without the parts that a server may cut off:
/// the parameters of the segment, the path from `#`, `?` or NUL on, and spaces and control characters at its end. A dot
/// segment in one decoding is a dot segment in all later ones, so the last decoding suffices.
fn has_dot_segment(decoded: &[u8]) -> bool {
    let end = decoded.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    names(decoded.get(..end).unwrap_or_default()).any(|name| matches!(name, b"." | b".."))
}

/// True if the path can begin with `//name` after its dot segments are resolved: it has an empty segment at the root that
/// is not the last one.
fn may_begin_with_host(decoded: &[u8]) -> bool {
    let mut names = names(decoded).skip(1).peekable();
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

/// The segments, with `\` as a slash and without the parts that a server may cut off.
fn names(decoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    decoded
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|segment| segment.split(|byte| matches!(byte, b';' | b'#' | b'?' | b'\0')).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
