//! The interpretations of a path that the filter may consider, derived from the requirement, not from the filter's
//! code.
//!
//! An interpretation is the result of any sequence of these steps: decode the path; read `\` as a slash; cut off
//! parameters; merge slashes; end the path at `#`, NUL or `?`; remove tabs and newlines; cut off trailing control
//! characters and spaces; read `//name/rest` as a host and a path.

use std::collections::{BTreeSet, VecDeque};

use crate::servers::frameworks::decode_wide;
use crate::servers::steps::{backslashes, cut_parameters, decode, end_at, merge, remove, trim_end};

/// An interpretation: the host, if the path contains one, and the path.
pub type HostAndPath = (Option<Vec<u8>>, Vec<u8>);

/// The maximum number of interpretations; no path of the search has as many.
const MOST: usize = 20_000;

/// All interpretations of a path, including the path itself; `None` if there are too many.
pub fn of(path: &[u8]) -> Option<BTreeSet<HostAndPath>> {
    let first: HostAndPath = (None, path.to_vec());
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
        // A server may interpret the name as a host or drop it.
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

/// True if a path has a dot segment.
pub fn has_dots(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// True if a path has a dot segment after it is fully decoded, `\` is read as a slash, and each segment is cut off as
/// far as a server may. This finds most paths with dot segments without computing all interpretations.
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
