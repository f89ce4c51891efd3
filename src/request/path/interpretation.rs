//! The interpretations of an ambiguous path without dot segments.

use super::encoding::{decode, decode_fully, push_canonical, units};
use crate::byte_index::ByteIndex;
use crate::request::Host;

/// The longest path whose interpretations are enumerated, and the most text in all of them, in bytes. Beyond, a path may
/// resolve to any path.
const MAX_LENGTH: usize = 2 * 1024;
const MAX_TEXT: usize = 32 * 1024;

/// One interpretation of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpretation {
    /// The host.
    pub host: NamedHost,
    /// The path, in canonical form.
    pub path: String,
}

/// The host in a path such as `//name/rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedHost {
    /// The path names no host: it is that of the request.
    Own,
    /// The path names this host.
    Other(Host),
    /// The path names a host that is not ASCII. IDNA can map it to any ASCII host (UTS #46).
    Any,
}

/// A transformation that some servers apply to a path, independently of the others. In the order in which they are tried.
#[derive(Clone, Copy)]
enum Transformation {
    /// Removes spaces and control characters at the end.
    Trim,
    /// Removes tabs and line feeds.
    Drop,
    /// Ends the path at `#` or `?`.
    End,
    /// Ends the path at NUL.
    EndAtNul,
    /// Replaces `\` with a slash.
    Backslashes,
    /// Removes the parameters of each segment, from `;` on.
    Parameters,
    /// Removes empty segments.
    Merge,
}

const TRANSFORMATIONS: [Transformation; 8] = [
    Transformation::Trim,
    Transformation::Drop,
    Transformation::End,
    Transformation::EndAtNul,
    Transformation::Backslashes,
    Transformation::Parameters,
    Transformation::Trim,
    Transformation::Merge,
];

impl Transformation {
    /// The transformed path; none if it changes nothing.
    fn apply(self, path: &[u8]) -> Option<Vec<u8>> {
        let until = |ends: fn(&u8) -> bool| path.iter().copied().take_while(|byte| !ends(byte)).collect::<Vec<u8>>();
        let made = match self {
            Transformation::Trim => trimmed(path).to_vec(),
            Transformation::Drop => {
                path.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')).collect()
            }
            Transformation::End => until(|byte| matches!(byte, b'#' | b'?')),
            Transformation::EndAtNul => until(|byte| *byte == 0),
            Transformation::Backslashes => path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect(),
            Transformation::Parameters => without_parameters(path),
            Transformation::Merge => merged(path),
        };
        (made.len() != path.len() || made != path).then_some(made)
    }
}

/// All interpretations, each once; none if there are too many.
pub fn interpretations(bytes: &[u8]) -> Option<Vec<Interpretation>> {
    if bytes.len() > MAX_LENGTH {
        return None;
    }
    let mut texts = Texts { all: Vec::new(), known: ByteIndex::default(), left: MAX_TEXT };
    // Some servers remove parameters after decoding, others before; a removed parameter may contain an encoded slash.
    let cut = [Transformation::Parameters.apply(bytes), Transformation::Parameters.apply(&decode(bytes))];
    for bytes in [Some(bytes)].into_iter().chain(cut.iter().map(Option::as_deref)).flatten() {
        let once = decode(bytes);
        let twice = decode(&once);
        texts.add(as_sent(bytes))?;
        for decoded in [once, twice, decode_fully(bytes, false), decode_fully(bytes, true)] {
            texts.add(decoded_path(&decoded))?;
        }
    }
    for transformation in TRANSFORMATIONS {
        let made: Vec<Vec<u8>> = texts.all.iter().filter_map(|text| transformation.apply(text)).collect();
        made.into_iter().try_for_each(|text| texts.add(text))?;
    }
    let mut found = Vec::with_capacity(texts.all.len());
    let mut known = ByteIndex::default();
    for (host, path) in texts.all.iter().flat_map(|text| with_authority(text)) {
        let path = ordinary(&path);
        // A path begins with a slash or is `*`, so these texts are unique.
        let name = match &host {
            NamedHost::Own => "",
            NamedHost::Other(host) => host.as_str(),
            NamedHost::Any => "?",
        };
        if known.add([name, &path].concat().as_bytes()) {
            found.push(Interpretation { host, path });
        }
    }
    Some(found)
}

/// The texts that a path may mean, each once, and the bytes that further ones may have.
struct Texts {
    all: Vec<Vec<u8>>,
    known: ByteIndex,
    left: usize,
}

impl Texts {
    /// Adds a text, unless it is known; none if there are too many.
    fn add(&mut self, text: Vec<u8>) -> Option<()> {
        if self.known.add(&text) {
            self.left = self.left.checked_sub(text.len())?;
            self.all.push(text);
        }
        Some(())
    }
}

/// The path of a server that decodes only characters that need no encoding.
fn as_sent(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len());
    for unit in units(bytes) {
        match unit {
            (b'%', false) => text.push('%'),
            // An encoded slash separates nothing.
            (b'/', true) => text.push_str("%2F"),
            (byte, true) => push_canonical(byte, &mut text),
            (byte, false) if is_special(byte) => text.push(byte.into()),
            (byte, false) => push_canonical(byte, &mut text),
        }
    }
    text.into_bytes()
}

/// The path of a server that has decoded it to these bytes. Special characters are kept.
fn decoded_path(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if is_special(*byte) { text.push((*byte).into()) } else { push_canonical(*byte, &mut text) }
    }
    text.into_bytes()
}

/// Encodes special characters, so that they are ordinary ones.
fn ordinary(text: &[u8]) -> String {
    let mut ordinary = String::with_capacity(text.len());
    for byte in text {
        if is_special(*byte) { push_canonical(*byte, &mut ordinary) } else { ordinary.push((*byte).into()) }
    }
    ordinary
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b';' | b'#' | b'?' | b'\0' | b'\t' | b'\r' | b'\n')
}

/// The text as a path and, if it begins with two slashes, as a host and a path (WHATWG URL, section 4.4: `new URL` of Node
/// skips further slashes).
fn with_authority(text: &[u8]) -> Vec<(NamedHost, Vec<u8>)> {
    let mut found = vec![(NamedHost::Own, text.to_vec())];
    if text.starts_with(b"//") {
        let start = text.iter().position(|byte| *byte != b'/').unwrap_or(text.len());
        let after = text.get(start..).unwrap_or_default();
        let (authority, path) = after.split_at(after.iter().position(|byte| *byte == b'/').unwrap_or(after.len()));
        let name = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        let host = match Host::parse(name) {
            Some(host) => Some(NamedHost::Other(host)),
            None => (!decode_fully(name, true).is_ascii()).then_some(NamedHost::Any),
        };
        let path = if path.is_empty() { b"/" } else { path };
        for path in [path.to_vec(), merged(path)] {
            found.push((NamedHost::Own, path.clone()));
            found.extend(host.clone().map(|host| (host, path)));
        }
    }
    found
}

/// The path without spaces and control characters at its end.
fn trimmed(mut path: &[u8]) -> &[u8] {
    loop {
        path = match path {
            [rest @ .., b'%', b'0' | b'1', b'0'..=b'9' | b'A'..=b'F'] | [rest @ .., b'%', b'2', b'0'] => rest,
            [rest @ .., 0..=0x20] => rest,
            _ => return path,
        };
    }
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let mut is_parameter = false;
    let is_kept = |byte: &u8| {
        is_parameter = (is_parameter || *byte == b';') && *byte != b'/';
        !is_parameter
    };
    path.iter().copied().filter(is_kept).collect()
}

fn merged(path: &[u8]) -> Vec<u8> {
    let mut before = 0;
    let is_kept = |byte: &u8| std::mem::replace(&mut before, *byte) != b'/' || *byte != b'/';
    path.iter().copied().filter(is_kept).collect()
}
