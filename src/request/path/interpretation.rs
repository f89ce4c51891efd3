//! The few ways in which servers read an ambiguous path that has no dot segments.

use std::borrow::Cow;

use super::encoding::{decode, settle, spell, units};
use crate::request::Host;

/// More text than this is not enumerated: such a path counts as one that may lead anywhere.
const MAX_TEXT: usize = 32 * 1024;

/// One way to read a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interpretation {
    /// The host that the path itself names, in `//name/rest`; none: the request's own.
    pub host: Option<Host>,
    /// The path, in the spelling of canonical paths.
    pub path: String,
}

/// Characters that some servers read specially, each independently of the others: tabs and line feeds are dropped; `#`
/// and `?`, and NUL, end the path; `\` is a slash; `;` begins the parameters of a segment; empty segments are dropped.
const CHOICES: [fn(&str) -> Option<String>; 6] = [
    |path| path.contains(['\t', '\r', '\n']).then(|| path.replace(['\t', '\r', '\n'], "")),
    |path| path.split_once(['#', '?']).map(|(path, _)| path.to_owned()),
    |path| path.split_once('\0').map(|(path, _)| path.to_owned()),
    |path| path.contains('\\').then(|| path.replace('\\', "/")),
    |path| path.contains(';').then(|| without_parameters(path)),
    |path| path.contains("//").then(|| merged(path)),
];

/// Every interpretation, each once; none where there are too many to look at.
pub fn interpretations(bytes: &[u8]) -> Option<Vec<Interpretation>> {
    let once = decode(bytes);
    let decoded = [decode(&once), settle(bytes, false), settle(bytes, true)];
    let mut texts: Vec<String> = vec![as_sent(bytes)];
    for text in decoded.iter().chain([&once]).map(|bytes| spelled(bytes)) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let mut left = MAX_TEXT;
    for choice in CHOICES {
        let special: Vec<String> = texts.iter().filter_map(|text| choice(text)).collect();
        left = left.checked_sub(special.iter().map(String::len).sum())?;
        texts.extend(special);
    }
    let mut found = Vec::with_capacity(texts.len());
    let mut seen = hashbrown::HashSet::with_capacity(texts.len());
    for text in &texts {
        for (host, path) in with_authority(text) {
            let interpretation = Interpretation { host, path: ordinary(&path) };
            if seen.insert(interpretation.clone()) {
                found.push(interpretation);
            }
        }
    }
    Some(found)
}

/// The path as a server reads it that decodes nothing but what needs no encoding.
fn as_sent(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for unit in units(bytes) {
        match unit {
            (b'%', false) => text.push('%'),
            // What is encoded separates nothing.
            (b'/', true) => text.push_str("%2F"),
            (byte, true) => spell(byte, &mut text),
            (byte, false) => spell_text(byte, &mut text),
        }
    }
    text
}

/// The path as a server reads it that has decoded it to these bytes.
fn spelled(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    bytes.iter().for_each(|byte| spell_text(*byte, &mut text));
    text
}

/// Spells a byte that stands for itself. What may be special stays as it is.
fn spell_text(byte: u8, text: &mut String) {
    match byte {
        b'\\' | b';' | b'#' | b'?' | b'\0' | b'\t' | b'\r' | b'\n' => text.push(byte.into()),
        byte => spell(byte, text),
    }
}

/// Spells what was left special as an ordinary character.
fn ordinary(text: &str) -> String {
    let mut ordinary = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | '#' | '?' | '\0' | '\t' | '\r' | '\n' => {
                u8::try_from(c).into_iter().for_each(|byte| spell(byte, &mut ordinary));
            }
            c => ordinary.push(c),
        }
    }
    ordinary
}

/// The text as a path, and as a host and a path where it begins with two slashes (WHATWG URL, section 4.4, and so Node's
/// `new URL`, which passes over further slashes).
fn with_authority(text: &str) -> Vec<(Option<Host>, Cow<'_, str>)> {
    let mut found = vec![(None, Cow::Borrowed(text))];
    if text.starts_with("//") {
        let after = text.trim_start_matches('/');
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        let name = authority.rsplit('@').next().unwrap_or_default();
        let host = Host::parse(name.as_bytes());
        let path = if path.is_empty() { "/" } else { path };
        for path in [Cow::Borrowed(path), Cow::Owned(merged(path))] {
            found.push((None, path.clone()));
            found.extend(host.clone().map(|host| (Some(host), path)));
        }
    }
    found
}

fn without_parameters(path: &str) -> String {
    let name = |segment: &'_ str| segment.split_once(';').map_or(segment.len(), |(name, _)| name.len());
    let segments = path.split('/').map(|segment| segment.get(..name(segment)).unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}
