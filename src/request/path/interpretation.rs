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
    /// The path names a host that cannot be read here: IDNA makes ASCII of many letters (UTS #46), so it may be any host.
    pub is_any_host: bool,
    /// The path, in the spelling of canonical paths.
    pub path: String,
}

/// Characters that some servers read specially, each independently of the others: spaces and control characters are cut
/// off the end; tabs and line feeds are dropped; `#` and `?`, and NUL, end the path; `\` is a slash; `;` begins the
/// parameters of a segment; empty segments are dropped.
const CHOICES: [fn(&str) -> Option<String>; 7] = [
    trimmed,
    |path| path.contains(['\t', '\r', '\n']).then(|| path.replace(['\t', '\r', '\n'], "")),
    |path| path.split_once(['#', '?']).map(|(path, _)| path.to_owned()),
    |path| path.split_once('\0').map(|(path, _)| path.to_owned()),
    |path| path.contains('\\').then(|| path.replace('\\', "/")),
    |path| path.contains(';').then(|| without_parameters(path)),
    |path| path.contains("//").then(|| merged(path)),
];

/// Every interpretation, each once; none where there are too many to look at.
pub fn interpretations(bytes: &[u8]) -> Option<Vec<Interpretation>> {
    let mut texts: Vec<String> = Vec::new();
    let mut left = MAX_TEXT;
    // Some servers decode first and cut parameters off then; others cut first, and what they cut may hold a slash.
    let once = decode(bytes);
    let cut = [bytes, &once].map(bytes_without_parameters);
    for bytes in [Some(bytes)].into_iter().chain(cut.iter().map(Option::as_deref)).flatten() {
        let once = decode(bytes);
        let decoded = [decode(&once), settle(bytes, false), settle(bytes, true)];
        let spelled = decoded.iter().chain([&once]).map(|bytes| spelled(bytes));
        for text in std::iter::once(as_sent(bytes)).chain(spelled) {
            if !texts.contains(&text) {
                left = if texts.is_empty() { left } else { left.checked_sub(text.len())? };
                texts.push(text);
            }
        }
    }
    for choice in CHOICES {
        let special: Vec<String> = texts.iter().filter_map(|text| choice(text)).collect();
        left = left.checked_sub(special.iter().map(String::len).sum())?;
        texts.extend(special);
    }
    let mut found = Vec::with_capacity(texts.len());
    let mut seen = hashbrown::HashSet::with_capacity(texts.len());
    for text in &texts {
        for (host, path) in with_authority(text) {
            let is_any_host = host == Named::Any;
            let host = if let Named::Host(host) = host { Some(host) } else { None };
            let interpretation = Interpretation { host, is_any_host, path: ordinary(&path) };
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

/// The host of an interpretation.
#[derive(Clone, PartialEq)]
enum Named {
    Own,
    Host(Host),
    Any,
}

/// The text as a path, and as a host and a path where it begins with two slashes (WHATWG URL, section 4.4, and so Node's
/// `new URL`, which passes over further slashes).
fn with_authority(text: &str) -> Vec<(Named, Cow<'_, str>)> {
    let mut found = vec![(Named::Own, Cow::Borrowed(text))];
    if text.starts_with("//") {
        let after = text.trim_start_matches('/');
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        let name = authority.rsplit('@').next().unwrap_or_default();
        let host = match Host::parse(name.as_bytes()) {
            Some(host) => Some(Named::Host(host)),
            None => (!settle(name.as_bytes(), true).is_ascii()).then_some(Named::Any),
        };
        let path = if path.is_empty() { "/" } else { path };
        for path in [Cow::Borrowed(path), Cow::Owned(merged(path))] {
            found.push((Named::Own, path.clone()));
            found.extend(host.clone().map(|host| (host, path)));
        }
    }
    found
}

/// The path without parameters, if it has any.
fn bytes_without_parameters(path: &[u8]) -> Option<Vec<u8>> {
    path.contains(&b';').then(|| {
        let name = |segment: &'_ [u8]| segment.iter().take_while(|byte| **byte != b';').copied().collect::<Vec<u8>>();
        path.split(|byte| *byte == b'/').map(name).collect::<Vec<_>>().join(&b'/')
    })
}

/// The text without the spaces and control characters at its end, if there are any.
fn trimmed(path: &str) -> Option<String> {
    let mut rest = path;
    loop {
        let encoded = rest.len().checked_sub(3).and_then(|at| rest.split_at_checked(at)).filter(|(_, end)| {
            let digits = end.strip_prefix('%').map(|digits| u8::from_str_radix(digits, 16));
            matches!(digits, Some(Ok(0..=0x20)))
        });
        rest = match encoded {
            Some((rest, _)) => rest,
            None => match rest.strip_suffix(['\0', '\t', '\r', '\n']) {
                Some(rest) => rest,
                None => return (rest.len() < path.len()).then(|| rest.to_owned()),
            },
        };
    }
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
