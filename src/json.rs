//! Writes JSON text. Smaller than a serializer, because values are written as text at once.

use crate::tree::quoted;

/// A JSON object that is being written.
#[derive(Debug, Default)]
pub struct Object {
    members: String,
}

impl Object {
    /// An object that begins with these members, which are JSON text.
    pub fn from_members(members: String) -> Object {
        Object { members }
    }

    /// Adds a member whose value is JSON text.
    #[inline(never)]
    pub fn raw(&mut self, name: &str, value: &str) {
        let comma = if self.members.is_empty() { "\"" } else { ",\"" };
        self.members.extend([comma, name, "\":", value]);
    }

    /// Adds a string, or `null`.
    #[inline(never)]
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        self.raw(name, &value.map_or_else(|| "null".to_owned(), quoted));
    }

    /// Adds a number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    /// Adds a list of strings.
    pub fn texts(&mut self, name: &str, items: &[String]) {
        self.raw(name, &texts(items));
    }

    /// The members as JSON text, separated by commas, without the braces of an object.
    pub fn into_members(self) -> String {
        self.members
    }

    /// The object as JSON text.
    pub fn end(self) -> String {
        ["{", &self.members, "}"].concat()
    }
}

/// A list of values that are JSON text.
#[inline(never)]
pub fn list(items: &[String]) -> String {
    ["[", &items.join(","), "]"].concat()
}

/// A list of strings.
#[inline(never)]
pub fn texts(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    list(&items)
}

#[cfg(test)]
mod tests;
