//! Sets of prefixes and suffixes. The cost of a lookup depends on the number of distinct lengths, not of texts.

use crate::byte_index::ByteIndex;

/// A set of prefixes, or of suffixes.
#[derive(Clone, Debug, Default)]
pub struct Affixes {
    texts: ByteIndex,
    /// The distinct lengths of `texts`, in bytes.
    lengths: Vec<usize>,
}

impl Affixes {
    /// Adds a prefix or suffix.
    pub fn insert(&mut self, text: &[u8]) {
        if !self.lengths.contains(&text.len()) {
            self.lengths.push(text.len());
        }
        self.texts.add(text);
    }

    /// True if `value` begins with one of the texts.
    pub fn is_prefix(&self, value: &[u8]) -> bool {
        self.any(|length| value.get(..length))
    }

    /// True if `value` ends with one of the texts.
    pub fn is_suffix(&self, value: &[u8]) -> bool {
        self.any(|length| value.len().checked_sub(length).and_then(|start| value.get(start..)))
    }

    /// The cost of looking up a value of `length` bytes, in units of the budget.
    pub fn cost(&self, length: usize) -> usize {
        self.lengths.iter().map(|own| if *own <= length { *own + 16 } else { 1 }).sum()
    }

    fn any<'v>(&self, part: impl Fn(usize) -> Option<&'v [u8]>) -> bool {
        self.lengths.iter().filter_map(|length| part(*length)).any(|part| self.texts.contains(part))
    }
}
