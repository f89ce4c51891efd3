//! Which readings of a path the filter may take for closed, written from the requirement and not from the filter's code.
//!
//! A reading is what any sequence of these steps makes of the path: decode it; read `\` as a slash; cut off parameters;
//! merge slashes; end it at `#`, NUL or `?`; take out tabs and newlines; cut control characters and spaces off its end;
//! read `//name/rest` as a host and a path.

use std::collections::{BTreeSet, VecDeque};

use crate::servers::frameworks::decode_wide;
use crate::servers::steps::{backslashes, cut_parameters, decode, end_at, merge, remove, trim_end};

/// A reading: the host where it is in the path, and the path.
pub type Reading = (Option<Vec<u8>>, Vec<u8>);

/// More readings than any path of the search has.
const MOST: usize = 20_000;

/// All readings of a path, itself among them; none for one that has too many to be told.
pub fn of(path: &[u8]) -> Option<BTreeSet<Reading>> {
    let first: Reading = (None, path.to_vec());
    let mut known = BTreeSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    while let Some((host, path)) = queue.pop_front() {
        let paths = [
            decode(&path),
            decode_wide(&path),
            backslashes(&path),
            cut_parameters(&path),
            merge(&path),
            end_at(&path, b"#"),
            end_at(&path, b"\0"),
            end_at(&path, b"?"),
            remove(&path, b"\t\r\n"),
            trim_end(&path),
        ];
        let same_host = paths.into_iter().map(|path| (host.clone(), path));
        // A server may take the name for a host, or only leave it out.
        let split = split_host(&path).map(|(name, path)| [(Some(name), path.clone()), (host.clone(), path)]);
        for next in same_host.chain(split.into_iter().flatten()) {
            if known.insert(next.clone()) {
                queue.push_back(next);
            }
        }
        if known.len() > MOST {
            return None;
        }
    }
    Some(known)
}

/// `//name/rest` as `name` and `/rest`.
fn split_host(path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let rest = path.strip_prefix(b"//")?;
    let start = rest.iter().position(|byte| *byte != b'/')?;
    let rest = &rest[start..];
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    Some((host.to_vec(), if path.is_empty() { b"/".to_vec() } else { path.to_vec() }))
}

/// Whether a path has a dot segment.
pub fn has_dots(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// Whether a path has a dot segment once all is decoded, `\` is a slash, and of each segment everything is cut off that a
/// server could: what most paths with dot segments show without a look at all of their readings.
pub fn has_plain_dots(path: &[u8]) -> bool {
    let mut path = path.to_vec();
    loop {
        let next = decode(&path);
        if next == path {
            return backslashes(&path).split(|byte| *byte == b'/').any(|part| has_dots(&end_at(part, b";#?\0")));
        }
        path = next;
    }
}
