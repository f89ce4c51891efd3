//! The few ways in which servers read an ambiguous path that has no dot segments.

use super::encoding::{decode, settle, spell, units};
use crate::byte_index::ByteIndex;
use crate::request::Host;

/// Longer paths, and those with more text in all their interpretations, are not enumerated: they may lead anywhere. In
/// bytes.
const MAX_LENGTH: usize = 2 * 1024;
const MAX_TEXT: usize = 32 * 1024;

/// One way to read a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpretation {
    /// The host.
    pub host: NamedHost,
    /// The path, in the spelling of canonical paths.
    pub path: String,
}

/// The host that a path names, in `//name/rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedHost {
    /// None: it is that of the request.
    Own,
    /// This one.
    Other(Host),
    /// A name that is not ASCII. IDNA can map it to any ASCII host (UTS #46).
    Any,
}

/// What some servers do with a path, each independently of the others, in the order in which it is tried.
#[derive(Clone, Copy)]
enum Step {
    /// Cut spaces and control characters off the end.
    Trim,
    /// Drop tabs and line feeds.
    Drop,
    /// End the path at `#` or `?`.
    End,
    /// End the path at NUL.
    EndAtNul,
    /// Take `\` for a slash.
    Backslashes,
    /// Cut the parameters off each segment, from `;` on.
    Parameters,
    /// Drop empty segments.
    Merge,
}

const STEPS: [Step; 8] =
    [Step::Trim, Step::Drop, Step::End, Step::EndAtNul, Step::Backslashes, Step::Parameters, Step::Trim, Step::Merge];

impl Step {
    /// What the step makes of a path; none where it changes nothing.
    fn of(self, path: &[u8]) -> Option<Vec<u8>> {
        let until = |ends: fn(&u8) -> bool| path.iter().copied().take_while(|byte| !ends(byte)).collect::<Vec<u8>>();
        let made = match self {
            Step::Trim => trimmed(path).to_vec(),
            Step::Drop => path.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')).collect(),
            Step::End => until(|byte| matches!(byte, b'#' | b'?')),
            Step::EndAtNul => until(|byte| *byte == 0),
            Step::Backslashes => path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect(),
            Step::Parameters => without_parameters(path),
            Step::Merge => merged(path),
        };
        (made.len() != path.len() || made != path).then_some(made)
    }
}

/// Every interpretation, each once; none where there are too many to look at.
pub fn interpretations(bytes: &[u8]) -> Option<Vec<Interpretation>> {
    if bytes.len() > MAX_LENGTH {
        return None;
    }
    let mut texts = Texts { all: Vec::new(), known: ByteIndex::default(), left: MAX_TEXT };
    // Some servers decode first and cut parameters off then; others cut first, and what they cut may hold a slash.
    let cut = [Step::Parameters.of(bytes), Step::Parameters.of(&decode(bytes))];
    for bytes in [Some(bytes)].into_iter().chain(cut.iter().map(Option::as_deref)).flatten() {
        let once = decode(bytes);
        let twice = decode(&once);
        texts.add(as_sent(bytes))?;
        for decoded in [once, twice, settle(bytes, false), settle(bytes, true)] {
            texts.add(spelled(&decoded))?;
        }
    }
    for step in STEPS {
        let made: Vec<Vec<u8>> = texts.all.iter().filter_map(|text| step.of(text)).collect();
        made.into_iter().try_for_each(|text| texts.add(text))?;
    }
    let mut found = Vec::with_capacity(texts.all.len());
    let mut known = ByteIndex::default();
    for (host, path) in texts.all.iter().flat_map(|text| with_authority(text)) {
        let path = ordinary(&path);
        // A path begins with a slash or is `*`, so no two of these texts are the same.
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

/// Texts that a path may be read as, each once, and how many more bytes of them are looked at.
struct Texts {
    all: Vec<Vec<u8>>,
    known: ByteIndex,
    left: usize,
}

impl Texts {
    /// Adds a text that is new; none where there are too many.
    fn add(&mut self, text: Vec<u8>) -> Option<()> {
        if self.known.add(&text) {
            self.left = self.left.checked_sub(text.len())?;
            self.all.push(text);
        }
        Some(())
    }
}

/// The path as a server reads it that decodes nothing but what needs no encoding.
fn as_sent(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len());
    for unit in units(bytes) {
        match unit {
            (b'%', false) => text.push('%'),
            // What is encoded separates nothing.
            (b'/', true) => text.push_str("%2F"),
            (byte, true) => spell(byte, &mut text),
            (byte, false) if is_special(byte) => text.push(byte.into()),
            (byte, false) => spell(byte, &mut text),
        }
    }
    text.into_bytes()
}

/// The path as a server reads it that has decoded it to these bytes. What may be special stays as it is.
fn spelled(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if is_special(*byte) { text.push((*byte).into()) } else { spell(*byte, &mut text) }
    }
    text.into_bytes()
}

/// Spells what was left special as an ordinary character.
fn ordinary(text: &[u8]) -> String {
    let mut ordinary = String::with_capacity(text.len());
    for byte in text {
        if is_special(*byte) { spell(*byte, &mut ordinary) } else { ordinary.push((*byte).into()) }
    }
    ordinary
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b';' | b'#' | b'?' | b'\0' | b'\t' | b'\r' | b'\n')
}

/// The text as a path, and as a host and a path where it begins with two slashes (WHATWG URL, section 4.4, and so Node's
/// `new URL`, which passes over further slashes).
fn with_authority(text: &[u8]) -> Vec<(NamedHost, Vec<u8>)> {
    let mut found = vec![(NamedHost::Own, text.to_vec())];
    if text.starts_with(b"//") {
        let start = text.iter().position(|byte| *byte != b'/').unwrap_or(text.len());
        let after = text.get(start..).unwrap_or_default();
        let (authority, path) = after.split_at(after.iter().position(|byte| *byte == b'/').unwrap_or(after.len()));
        let name = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        let host = match Host::parse(name) {
            Some(host) => Some(NamedHost::Other(host)),
            None => (!settle(name, true).is_ascii()).then_some(NamedHost::Any),
        };
        let path = if path.is_empty() { b"/" } else { path };
        for path in [path.to_vec(), merged(path)] {
            found.push((NamedHost::Own, path.clone()));
            found.extend(host.clone().map(|host| (host, path)));
        }
    }
    found
}

/// The path without the spaces and control characters at its end.
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
