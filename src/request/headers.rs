//! The headers of a request.

use std::ops::Range;

/// Header names (lower case) and values, pseudo-headers included, in Envoy's order. Values are bytes: clients can send
/// values that are not UTF-8.
#[derive(Clone, Debug, Default)]
pub struct HeaderMap {
    /// All names and values.
    bytes: Vec<u8>,
    /// The ranges of each name and its value in `bytes`.
    entries: Vec<(Range<usize>, Range<usize>)>,
}

impl HeaderMap {
    /// A map of these names (lower case) and values.
    pub fn new(entries: Vec<(Vec<u8>, Vec<u8>)>) -> HeaderMap {
        let mut headers = HeaderMap::default();
        let mut put = |part: Vec<u8>| {
            let start = headers.bytes.len();
            headers.bytes.extend(part);
            start..headers.bytes.len()
        };
        let entries = entries.into_iter().map(|(name, value)| (put(name), put(value))).collect();
        HeaderMap { entries, ..headers }
    }

    /// A map of the names (lower case) and values at these ranges of `bytes`.
    pub fn within(bytes: Vec<u8>, entries: Vec<(Range<usize>, Range<usize>)>) -> HeaderMap {
        HeaderMap { bytes, entries }
    }

    /// The number of headers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if the map is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.pairs().map(|(name, _)| name)
    }

    /// All names and values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(name, value)| (self.part(name), self.part(value)))
    }

    /// The values of `name` (lower case), in order.
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.entries.iter().filter(move |(key, _)| self.is(key, name)).map(|(_, value)| self.part(value))
    }

    /// The first value of `name` (lower case).
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(key, _)| self.is(key, name)).map(|(_, value)| self.part(value))
    }

    /// True if the bytes at `range` are `name`. Most names differ in length.
    fn is(&self, range: &Range<usize>, name: &str) -> bool {
        range.len() == name.len() && self.part(range) == name.as_bytes()
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}
