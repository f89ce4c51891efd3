//! Writes JSON. Small, as the answers of the control endpoint are all that needs it.

use crate::tree::quoted;

/// An object that is being written.
pub struct Object {
    text: String,
}

impl Object {
    pub fn new() -> Object {
        Object { text: "{".to_owned() }
    }

    /// Adds a member whose value is JSON already.
    #[inline(never)]
    pub fn raw(&mut self, name: &str, value: &str) {
        let comma = if self.text.len() > 1 { ",\"" } else { "\"" };
        self.text.extend([comma, name, "\":", value]);
    }

    /// Adds a text, or `null`.
    #[inline(never)]
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        self.raw(name, &value.map_or_else(|| "null".to_owned(), quoted));
    }

    /// Adds a number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    /// Adds members that another object has.
    pub fn members(&mut self, of: &str) {
        let comma = if self.text.len() > 1 { "," } else { "" };
        self.text.extend([comma, of]);
    }

    /// The members alone, for [`Object::members`].
    pub fn into_members(self) -> String {
        self.text.trim_start_matches('{').to_owned()
    }

    pub fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

/// A list of values that are JSON already.
#[inline(never)]
pub fn list(items: &[String]) -> String {
    ["[", &items.join(","), "]"].concat()
}

/// A list of texts.
#[inline(never)]
pub fn texts(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    list(&items)
}
