//! The hash map of the module: byte strings and their numbers.
//!
//! Sets of texts, of hosts and of names all use it, because every further instantiation of a generic hash map adds 4 KiB
//! to the module.

use hashbrown::HashMap;

/// A map from byte strings to numbers, such as positions in a list. As a set, all numbers are 0.
#[derive(Clone, Debug, Default)]
pub struct ByteIndex(HashMap<Box<[u8]>, usize>);

impl ByteIndex {
    /// Sets the number of `key`. Returns its number before, if it had one.
    #[inline(never)]
    pub fn insert(&mut self, key: &[u8], number: usize) -> Option<usize> {
        self.0.insert(key.into(), number)
    }

    /// Adds `key` to a set. True if it is new.
    pub fn add(&mut self, key: &[u8]) -> bool {
        self.insert(key, 0).is_none()
    }

    /// The number of `key`.
    #[inline(never)]
    pub fn get(&self, key: &[u8]) -> Option<usize> {
        self.0.get(key).copied()
    }

    /// True if the map has `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }
}

impl<K: AsRef<[u8]>> FromIterator<K> for ByteIndex {
    /// A set.
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> ByteIndex {
        let mut index = ByteIndex::default();
        keys.into_iter().for_each(|key| {
            index.add(key.as_ref());
        });
        index
    }
}

#[cfg(test)]
mod tests;
