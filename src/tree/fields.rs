//! Reads a [`Tree`] into types, field by field. Every error names the key path and the value. An unknown field is an error
//! that suggests the nearest known name.

use std::fmt;

use super::{Tree, whole};

/// The position of a value in a tree, for errors: `sites[0].exempt[2].remote_ips[0]`.
#[derive(Clone, Copy, Debug)]
pub enum KeyPath<'a> {
    /// The whole tree.
    Root,
    /// A member of an object.
    Key(&'a KeyPath<'a>, &'a str),
    /// An element of a list.
    Index(&'a KeyPath<'a>, usize),
}

impl<'a> KeyPath<'a> {
    /// The path of the member `name`.
    pub fn key(&'a self, name: &'a str) -> KeyPath<'a> {
        KeyPath::Key(self, name)
    }

    /// The path of the element `index`.
    pub fn index(&'a self, index: usize) -> KeyPath<'a> {
        KeyPath::Index(self, index)
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPath::Root => Ok(()),
            KeyPath::Key(KeyPath::Root, name) => formatter.write_str(name),
            KeyPath::Key(parent, name) => write!(formatter, "{parent}.{name}"),
            KeyPath::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

/// An invalid value and its key path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}{problem}", if path.is_empty() { "" } else { ": " })]
pub struct PathError {
    /// The key path; empty for the whole tree.
    pub path: String,
    /// The problem, with the value.
    pub problem: String,
}

impl PathError {
    /// An error about the value at `path`.
    pub fn new(path: &KeyPath<'_>, problem: impl fmt::Display) -> PathError {
        PathError::from_display(path, &problem)
    }

    #[inline(never)]
    fn from_display(path: &KeyPath<'_>, problem: &dyn fmt::Display) -> PathError {
        PathError { path: path.to_string(), problem: problem.to_string() }
    }
}

/// Reads a value, given its key path.
pub trait Reader<T>: FnMut(&Tree, &KeyPath<'_>) -> Result<T, PathError> {}
impl<T, F: FnMut(&Tree, &KeyPath<'_>) -> Result<T, PathError>> Reader<T> for F {}

/// The members of an object. Those that have been read are the known ones.
pub struct Fields<'t> {
    path: KeyPath<'t>,
    entries: &'t [(String, Tree)],
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// The members of `tree`. An error if it is not an object.
    pub fn of(tree: &'t Tree, path: &KeyPath<'t>) -> Result<Fields<'t>, PathError> {
        match tree {
            Tree::Map(entries) => Ok(Fields { path: *path, entries, known: Vec::new() }),
            other => Err(wrong(other, "an object", path)),
        }
    }

    /// The member `name`, unread; it may be `null`.
    #[inline(never)]
    pub fn raw(&mut self, name: &'static str) -> Option<&'t Tree> {
        self.known.push(name);
        self.entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Reads a member; none if it is absent or `null`.
    pub fn optional<T>(&mut self, name: &'static str, mut reader: impl Reader<T>) -> Result<Option<T>, PathError> {
        match self.present(name) {
            None => Ok(None),
            Some(value) => reader(value, &self.path.key(name)).map(Some),
        }
    }

    #[inline(never)]
    fn present(&mut self, name: &'static str) -> Option<&'t Tree> {
        self.raw(name).filter(|value| !matches!(value, Tree::Null))
    }

    /// Reads a member. An error if it is absent or `null`.
    pub fn required<T>(&mut self, name: &'static str, reader: impl Reader<T>) -> Result<T, PathError> {
        self.optional(name, reader)?.ok_or_else(|| PathError::new(&self.path.key(name), "missing"))
    }

    /// Reads the elements of a list; empty if the member is absent or `null`.
    pub fn list<T>(&mut self, name: &'static str, reader: impl Reader<T>) -> Result<Vec<T>, PathError> {
        Ok(self.optional(name, list(reader))?.unwrap_or_default())
    }

    /// The names of the members that have not been read.
    pub fn unknown(&self) -> impl Iterator<Item = &'t str> {
        self.entries.iter().map(|(key, _)| key.as_str()).filter(|key| !self.known.contains(key))
    }

    /// Rejects unknown members, like [`Fields::end`], and `null`. Tools write `null` for a value that was never set, and the
    /// default of an absent list of conditions is to match every request.
    pub fn end_without_null(self) -> Result<(), PathError> {
        for (name, value) in self.entries {
            if matches!(value, Tree::Null) {
                return Err(PathError::new(&self.path.key(name), "null has no meaning; omit the field"));
            }
        }
        self.end()
    }

    /// Rejects unknown members.
    pub fn end(self) -> Result<(), PathError> {
        match self.unknown().next() {
            None => Ok(()),
            Some(name) => Err(PathError::new(
                &self.path.key(name),
                format_args!("unknown field{}", did_you_mean(name, self.known.iter().copied())),
            )),
        }
    }
}

/// `; did you mean "…"?` with the nearest of `known`, or empty if none is near.
pub fn did_you_mean<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    known
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 3 + 1)
        .min()
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean \"{candidate}\"?"))
}

/// The error about a value of a wrong type.
#[inline(never)]
pub fn wrong(tree: &Tree, wanted: &str, path: &KeyPath<'_>) -> PathError {
    PathError::new(path, format_args!("{tree} is {}, not {wanted}", tree.kind()))
}

/// Reads a string.
pub fn text(tree: &Tree, path: &KeyPath<'_>) -> Result<String, PathError> {
    match tree {
        Tree::Text(text) => Ok(text.clone()),
        other => Err(wrong(other, "a text", path)),
    }
}

/// Reads `true` or `false`.
pub fn boolean(tree: &Tree, path: &KeyPath<'_>) -> Result<bool, PathError> {
    match tree {
        Tree::Bool(value) => Ok(*value),
        other => Err(wrong(other, "true or false", path)),
    }
}

/// Reads a whole number, exact up to 2^53 − 1.
pub fn integer(tree: &Tree, path: &KeyPath<'_>) -> Result<i64, PathError> {
    match tree {
        Tree::Number(number) => {
            whole(*number).ok_or_else(|| PathError::new(path, format_args!("{tree} is not a whole number below 2^53")))
        }
        other => Err(wrong(other, "a whole number", path)),
    }
}

/// Reads a list; `reader` reads its elements.
pub fn list<T>(mut reader: impl Reader<T>) -> impl Reader<Vec<T>> {
    // Loops instead of `collect`, which would add a third to the code of each reader.
    move |tree: &Tree, path: &KeyPath<'_>| {
        let Tree::List(items) = tree else { return Err(wrong(tree, "a list", path)) };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(reader(item, &path.index(index))?);
        }
        Ok(values)
    }
}

/// Reads an object with arbitrary keys; `reader` reads its values.
pub fn map<T>(mut reader: impl Reader<T>) -> impl Reader<Vec<(String, T)>> {
    move |tree: &Tree, path: &KeyPath<'_>| {
        let Tree::Map(entries) = tree else { return Err(wrong(tree, "an object", path)) };
        let mut values = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            values.push((key.clone(), reader(value, &path.key(key))?));
        }
        Ok(values)
    }
}

/// Reads any value.
pub fn any(tree: &Tree, _: &KeyPath<'_>) -> Result<Tree, PathError> {
    Ok(tree.clone())
}

#[cfg(test)]
mod tests;
