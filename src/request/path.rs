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
            ("/100%25", "/100%25"),
            ("/a%25zz", "/a%25zz"),
        ] {
            assert_eq!(RequestPath::parse(path.as_bytes()), RequestPath::Canonical(canonical.to_owned()));
        }
    }

    #[test]
    fn an_ambiguous_path_has_every_interpretation_once() {
        for (path, expected) in [
            (&b"/a//b"[..], &["/a//b", "/a/b"][..]),
            (b"/a//", &["/a//", "/a/"]),
            (b"/a%2Fb", &["/a%2Fb", "/a/b"]),
            (b"/a%2fb", &["/a%2Fb", "/a/b"]),
            (b"/a%5Cb", &["/a%5Cb", "/a/b"]),
            (b"/a\\b", &["/a%5Cb", "/a/b"]),
            (b"/a;x=1/b", &["/a%3Bx=1/b", "/a/b"]),
            (b"/a%00b", &["/a%00b", "/a"]),
            (b"/a%0ab", &["/a%0Ab", "/ab"]),
            (b"/a%3Fb", &["/a%3Fb", "/a"]),
            (b"/a#b", &["/a%23b", "/a"]),
            (b"/a%", &["/a%", "/a%25"]),
            (b"/a%zz", &["/a%zz", "/a%25zz"]),
            (b"/a\xffb", &["/a%FFb"]),
            ("/caf\u{e9}".as_bytes(), &["/caf%C3%A9"]),
            (b"/%2561", &["/%2561", "/a"]),
            (b"/a%20%0b", &["/a%20%0B", "/a"]),
            (b"/;x%2fy/b", &["/%3Bx%2Fy/b", "//b", "/b", "/%3Bx/y/b", "//y/b", "/y/b", "/"]),
            (b"/%252561", &["/%252561", "/%2561", "/a"]),
            (b"/a%c0%afb", &["/a%C0%AFb", "/a/b"]),
            (b"/a;b//c", &["/a%3Bb//c", "/a//c", "/a%3Bb/c", "/a/c"]),
            (b"//a b", &["//a%20b", "/", "/a%20b"]),
            (b"*", &["*"]),
        ] {
            let RequestPath::Ambiguous { raw, interpretations } = RequestPath::parse(path) else {
                panic!("{:?}", RequestPath::parse(path))
            };
            assert_eq!(raw, String::from_utf8_lossy(path));
            let own: Vec<&str> =
                interpretations.iter().filter(|one| one.host == NamedHost::Own).map(|one| one.path.as_str()).collect();
            let mut sorted = (own.clone(), expected.to_vec());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            assert_eq!(sorted.0, sorted.1, "{raw}");
        }
    }

    #[test]
    fn two_slashes_may_begin_a_host() {
        for (path, host, rest) in [
            ("//shop/a", "shop", "/a"),
            ("///shop", "shop", "/"),
            ("/\\Shop.:80/a//b", "shop", "/a/b"),
            ("/%2fuser@shop/a", "shop", "/a"),
        ] {
            let RequestPath::Ambiguous { interpretations, .. } = RequestPath::parse(path.as_bytes()) else {
                panic!("{path} is ambiguous")
            };
            let is_wanted = |one: &&Interpretation| {
                one.path == rest && matches!(&one.host, NamedHost::Other(known) if known.as_str() == host)
            };
            assert!(interpretations.iter().any(|one| is_wanted(&one)), "{path}: {interpretations:?}");
            assert!(interpretations.iter().any(|one| one.path == rest && one.host == NamedHost::Own), "{path}");
        }
    }

    #[test]
    fn a_path_with_a_dot_segment_in_some_decoding_may_lead_anywhere() {
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for path in [
            "/admin/../x",
            "/admin/%2e%2e/x",
            "/a/.",
            "/a/b/..",
            "/%252e%252e;/a",
            "/a#/../b",
            "/a%00/../../b",
            "/a/..%5cb",
            "/a/..%255cb",
            "/a/..%20",
            "/a/..%0b%0c",
            "",
            "a/b",
            "http://host/a",
            &long,
        ] {
            let found = RequestPath::parse(path.as_bytes());
            assert!(matches!(found, RequestPath::Anywhere { .. }), "{path}: {found:?}");
        }
        for path in ["/a/...", "/..a", "/a..", "/.well-known/a", "/a/.b/c.", "/a;../b"] {
            assert!(!matches!(RequestPath::parse(path.as_bytes()), RequestPath::Anywhere { .. }), "{path}");
        }
    }

    #[test]
    fn a_name_that_idna_may_change_may_be_any_host() {
        for (path, expected) in
            [("//clos\u{ff45}d/a", true), ("//clos%EF%BD%85d/a", true), ("//closed/a", false), ("/\u{ff45}//a", false)]
        {
            let RequestPath::Ambiguous { interpretations, .. } = RequestPath::parse(path.as_bytes()) else {
                panic!("{path} is ambiguous")
            };
            let is_found = interpretations.iter().any(|one| one.host == NamedHost::Any && one.path == "/a");
            assert_eq!(is_found, expected, "{path}");
        }
    }

    #[test]
    fn a_path_with_dots_may_name_a_host_where_it_begins_with_two_slashes_once_they_are_resolved() {
        for (path, expected) in [
            ("//host/.", true),
            ("/.//host", true),
            ("/x/..//host", true),
            ("/x/..%2f%5chost/a", true),
            ("/;x/../host", true),
            ("/x//../host", false),
            ("/x/../host/", false),
            ("/x/y/..//host", false),
        ] {
            let found = RequestPath::parse(path.as_bytes());
            assert!(
                matches!(found, RequestPath::Anywhere { may_leave_host, .. } if may_leave_host == expected),
                "{path}: {found:?}"
            );
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
