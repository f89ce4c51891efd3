//! The path of a request, in the one form that rules are matched against, or known to be ambiguous.
//!
//! Envoy, this filter and the application may each read a path in their own way. Where they could differ, the path is
//! *ambiguous*: it opens nothing, and closes what any reading of it would close.

use std::fmt::Write as _;

/// A path without its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestPath {
    /// Everyone reads it alike. What needs no percent-encoding is decoded, as most applications do: unreserved characters
    /// (RFC 3986 section 6.2.2.2), the others that may stand in a path (`!$&'()*+,=:@`, section 3.3), and those that may
    /// not but that Envoy lets through (`"<>[]^{|}` and the backtick). The hexadecimal digits of all else are upper case.
    Canonical(String),
    /// It holds dot segments, empty segments, an encoded slash or backslash, a raw backslash, `;`, `#`, a control
    /// character, bytes that are not ASCII, bad percent-encoding, or encoded bytes that are not UTF-8; or it does not
    /// begin with a slash.
    Ambiguous {
        /// As it came.
        raw: String,
        /// As others might take it, the most eager one first: decoded twice, once or not at all, cut at what ends a path
        /// for some, parameters cut off and slashes merged, dots resolved or not, in the spelling of canonical paths too.
        /// Each but `raw`, and once.
        resolved: Vec<String>,
    },
}

impl RequestPath {
    /// Reads the bytes before the query of a `:path`.
    pub fn parse(bytes: &[u8]) -> RequestPath {
        canonical(bytes).map_or_else(
            || {
                let raw = String::from_utf8_lossy(bytes).into_owned();
                RequestPath::Ambiguous { resolved: readings(bytes, &raw), raw }
            },
            RequestPath::Canonical,
        )
    }

    /// The canonical form, if there is one.
    pub fn canonical(&self) -> Option<&str> {
        match self {
            RequestPath::Canonical(path) => Some(path),
            RequestPath::Ambiguous { .. } => None,
        }
    }

    /// Every form under which somebody might read the path.
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        let (first, others) = match self {
            RequestPath::Canonical(path) => (path, &[][..]),
            RequestPath::Ambiguous { raw, resolved } => (raw, resolved.as_slice()),
        };
        std::iter::once(first).chain(others).map(String::as_str)
    }
}

/// The canonical form, or none for an ambiguous path.
fn canonical(bytes: &[u8]) -> Option<String> {
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

/// Whether everyone reads the byte alike.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b';' | b'#' | 0..=0x20 | 0x7f..=0xff)
}

/// A path without percent-encoding.
fn plain(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(is_plain))
}

/// A path with percent-encoding, in one spelling.
fn normalized(bytes: &[u8]) -> Option<String> {
    let is_clear = |(byte, is_encoded): (u8, bool)| match is_encoded {
        true => !matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f),
        // A raw percent sign is one that encodes nothing.
        false => is_plain(byte) && byte != b'%',
    };
    let is_text = || std::str::from_utf8(&decode(bytes)).is_ok();
    (units(bytes).all(is_clear) && is_text()).then(|| spelled(bytes))
}

/// Any path in the spelling of canonical ones; what is no percent-encoding stays as it is.
fn spelled(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for unit in units(bytes) {
        match unit {
            (b'%', false) => text.push('%'),
            (byte, _) if is_plain(byte) && !matches!(byte, b'%' | b'?') => text.push(byte.into()),
            (byte, _) => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// The bytes that a path stands for, decoded once, and whether each was percent-encoded; bad encodings stay as they are.
fn units(bytes: &[u8]) -> impl Iterator<Item = (u8, bool)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (byte, tail) = rest.split_first()?;
        let encoded = if *byte == b'%' { percent(tail) } else { None };
        let (unit, after) = encoded.map_or(((*byte, false), tail), |(value, after)| ((value, true), after));
        rest = after;
        Some(unit)
    })
}

/// The byte that two hexadecimal digits at the front stand for, and what follows them.
fn percent(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(2)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut values = digits.iter().map(digit);
    let value = values.next()?? * 16 + values.next()??;
    Some((u8::try_from(value).ok()?, rest))
}

/// Decodes every percent-encoding that can be decoded, once; bad ones stay as they are.
pub(super) fn decode(bytes: &[u8]) -> Vec<u8> {
    units(bytes).map(|(byte, _)| byte).collect()
}

/// The readings of a path but `raw`. Some applications decode what their proxy has decoded: twice.
fn readings(bytes: &[u8], raw: &str) -> Vec<String> {
    let once = decode(bytes);
    let twice = decode(&once);
    let mut readings: Vec<String> = Vec::new();
    let mut before = None;
    for decoded in [&twice[..], &once, bytes] {
        if before.replace(decoded) == Some(decoded) {
            continue;
        }
        let text = String::from_utf8_lossy(decoded).replace('\\', "/");
        let end = text.find(['#', '\0']).unwrap_or(text.len());
        let cut = text.get(..end).filter(|cut| cut.len() < text.len());
        for text in [Some(text.as_str()), cut].into_iter().flatten() {
            for reading in [normalize(text, true), normalize(text, false), text.to_owned()] {
                if reading != raw && !readings.contains(&reading) {
                    readings.push(reading);
                }
            }
        }
    }
    // Patterns are in one spelling, in which no reading need be.
    let spellings: Vec<String> =
        readings.iter().map(String::as_str).chain([raw]).map(|reading| spelled(reading.as_bytes())).collect();
    for spelling in spellings {
        if spelling != raw && !readings.contains(&spelling) {
            readings.push(spelling);
        }
    }
    readings
}

/// Merges slashes, cuts parameters off, and resolves dots, if asked to (RFC 3986 section 5.2.4).
fn normalize(text: &str, dots: bool) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for segment in text.split('/') {
        let name = segment.split([';', '#', '\0']).next().unwrap_or_default();
        is_folder = name.is_empty() || dots && matches!(name, "." | "..");
        match name {
            "" => {}
            "." if dots => {}
            ".." if dots => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let end = if is_folder && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_paths_have_one_form() {
        for (path, canonical) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("/%61dmin", "/admin"),
            ("/a%7eb", "/a~b"),
            ("/a%c3%a9", "/a%C3%A9"),
            ("/a%20b", "/a%20b"),
            ("/a.b/..c/...", "/a.b/..c/..."),
            ("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="),
            ("/a%3ab%40c%21%24%26%27%28%29%2A%2b%2C%3D", "/a:b@c!$&'()*+,="),
            ("/v1/x%3Acancel", "/v1/x:cancel"),
            ("/\"<>[]^{|}`", "/\"<>[]^{|}`"),
            ("/%22%3C%3e%5B%5d%5E%7b%7C%7D%60", "/\"<>[]^{|}`"),
            ("/a%3fb%23c%3bd%25e", "/a%3Fb%23c%3Bd%25e"),
            ("/a%252e", "/a%252e"),
        ] {
            assert_eq!(RequestPath::parse(path.as_bytes()), RequestPath::Canonical(canonical.to_owned()));
        }
    }

    #[test]
    fn what_could_be_read_in_several_ways_is_ambiguous() {
        for (path, resolved) in [
            (&b"/admin/../x"[..], &["/x"][..]),
            (b"/admin/%2e%2e/x", &["/x", "/admin/../x"]),
            (b"/admin/.%2E/x", &["/x", "/admin/../x"]),
            (b"/a/./b", &["/a/b"]),
            (b"/a/.", &["/a/"]),
            (b"/a/b/..", &["/a/"]),
            (b"/a/..", &["/"]),
            (b"//a", &["/a"]),
            (b"//a/", &["/a/"]),
            (b"/x/../a/", &["/a/"]),
            (b"/a//b", &["/a/b"]),
            (b"/a//", &["/a/"]),
            (b"//a/../b", &["/b", "/a/../b"]),
            (b"/a%2Fb", &["/a/b"]),
            (b"/a%2fb", &["/a/b"]),
            (b"/a%5Cb", &["/a/b"]),
            (b"/a\\b", &["/a/b"]),
            (b"/a;x=1/b", &["/a/b"]),
            (b"/a;x=1/", &["/a/"]),
            (b"/a%00b", &["/a", "/a\0b"]),
            (b"/a%00/../../b", &["/b", "/a/../../b", "/a\0/../../b", "/a"]),
            (b"/a%0ab", &["/a\nb"]),
            (b"/a%", &[]),
            (b"/a%4", &[]),
            (b"/a%zz", &[]),
            (b"/a%c0%ae%c0%ae/b", &["/a\u{fffd}\u{fffd}\u{fffd}\u{fffd}/b"]),
            (b"/a\xffb", &[]),
            (b"/a#b", &["/a"]),
            (b"/a#/../b", &["/b", "/a/../b", "/a"]),
            (b"/%252e%252e;/a", &["/a", "/../a", "/..;/a", "/%2e%2e/a", "/%2e%2e;/a", "/%252e%252e/a"]),
            (b"//a/%252e%252e/x", &["/x", "/a/../x", "//a/../x", "/a/%2e%2e/x", "//a/%2e%2e/x", "/a/%252e%252e/x"]),
            (b"/a/1;%2ejson", &["/a/1", "/a/1;.json"]),
            (b"", &["/"]),
            (b"*", &["/*"]),
            (b"a/b", &["/a/b"]),
            (b"http://host/a", &["/http:/host/a"]),
        ] {
            let raw = String::from_utf8_lossy(path).into_owned();
            let resolved: Vec<String> = resolved.iter().map(|path| (*path).to_owned()).collect();
            let RequestPath::Ambiguous { resolved: found, raw: kept } = RequestPath::parse(path) else {
                panic!("{raw} is canonical")
            };
            let (found, spellings) = found.split_at(resolved.len());
            assert_eq!((kept.as_str(), found.to_vec()), (raw.as_str(), resolved), "{raw}");
            for spelling in spellings {
                assert!(
                    found.iter().chain([&raw]).any(|reading| spelled(reading.as_bytes()) == *spelling),
                    "{raw}: {spelling}"
                );
            }
        }
    }

    #[test]
    fn what_is_ambiguous_is_read_in_the_spelling_of_patterns_too() {
        for (path, reading) in [
            (&b"//caf%c3%a9"[..], "/caf%C3%A9"),
            ("/caf\u{e9}".as_bytes(), "/caf%C3%A9"),
            (b"/caf%c3%a9;x", "/caf%C3%A9"),
            (b"//a%3fb", "/a%3Fb"),
            (b"//a%3ab%2C", "/a:b,"),
            (b"//a b", "/a%20b"),
            (b"/x/../%7b%20%7d", "/{%20}"),
        ] {
            let read = RequestPath::parse(path);
            assert!(read.canonical().is_none() && read.readings().any(|known| known == reading), "{read:?}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_path_is_its_own_canonical_form(bytes in "[/.%a-fA-F0-9;~x:*<{?]{0,40}") {
            if let RequestPath::Canonical(path) = RequestPath::parse(bytes.as_bytes()) {
                prop_assert_eq!(RequestPath::parse(path.as_bytes()), RequestPath::Canonical(path.clone()));
            }
        }

        #[test]
        fn what_needs_no_encoding_is_the_same_with_it(
            path in "/[!\"$&-.0-:<->@-\\[\\]-~]{1,20}",
            encoded in prop::collection::vec(any::<bool>(), 20),
        ) {
            let spelled: String = path.strip_prefix('/').unwrap().chars().zip(encoded).map(|(c, encoded)| match encoded {
                true => format!("%{:02x}", u32::from(c)),
                false => c.to_string(),
            }).collect();
            prop_assume!(!path.strip_prefix('/').is_some_and(|name| matches!(name, "." | "..")));
            prop_assert_eq!(RequestPath::parse(format!("/{spelled}").as_bytes()), RequestPath::Canonical(path));
        }
    }
}
