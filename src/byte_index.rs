//! The hash map of the module: byte strings and their numbers, and values by byte string.
//!
//! All sets and maps of the module use it, because every further instantiation of a generic hash map adds 4 KiB to the
//! module.

use hashbrown::HashMap;

/// A map from byte strings to numbers, such as positions in a list. As a set, all numbers are 0.
#[derive(Clone, Debug, Default, PartialEq)]
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

/// A map from byte strings to values.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteMap<V> {
    index: ByteIndex,
    values: Vec<V>,
}

impl<V> Default for ByteMap<V> {
    fn default() -> ByteMap<V> {
        ByteMap { index: ByteIndex::default(), values: Vec::new() }
    }
}

impl<V> ByteMap<V> {
    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.values.get(self.index.get(key)?)
    }

    /// The value of `key`.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.values.get_mut(self.index.get(key)?)
    }

    /// Sets the value of `key`.
    pub fn insert(&mut self, key: &[u8], value: V) {
        match self.get_mut(key) {
            Some(known) => *known = value,
            None => {
                self.index.insert(key, self.values.len());
                self.values.push(value);
            }
        }
    }

    /// True if the map has no key.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<K: AsRef<[u8]>, V> FromIterator<(K, V)> for ByteMap<V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> ByteMap<V> {
        let mut map = ByteMap::default();
        entries.into_iter().for_each(|(key, value)| map.insert(key.as_ref(), value));
        map
    }
}

#[cfg(test)]
mod tests;
