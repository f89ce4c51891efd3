//! What is read, whatever it was written in: JSON text, the bytes of a `google.protobuf.Struct`, or YAML (in
//! `maintctl`), as one tree. Readers that name the key path of what they refuse are in [`fields`].
//!
//! Numbers are 64-bit floats, as they are in a `Struct`, so both ways of writing a policy mean the same; whole numbers
//! are exact up to 2^53.

use std::fmt;
use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub mod fields;
mod struct_bytes;

pub use fields::{Fields, KeyPath, PathError};

/// A value as written. Maps keep their order and have no key twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Any text.
    Text(String),
    /// `[…]`
    List(Vec<Tree>),
    /// `{…}`
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads JSON text. A key that stands twice in one object is an error, as nobody could say which one holds.
    pub fn from_json(bytes: &[u8]) -> Result<Tree, PathError> {
        serde_json::from_slice(bytes).map_err(|error| PathError::new(&KeyPath::Root, format_args!("not JSON: {error}")))
    }

    /// Reads a plugin configuration as Envoy hands it over: JSON text from a `StringValue`, protobuf bytes from a
    /// `Struct`, nothing at all from neither.
    ///
    /// Every entry of a `Struct` holds the byte 0x12 (the tag of a map entry's value), and JSON text cannot: a control
    /// character must be escaped there.
    pub fn from_plugin_configuration(bytes: &[u8]) -> Result<Tree, PathError> {
        if bytes.is_empty() {
            Ok(Tree::Map(Vec::new()))
        } else if bytes.contains(&0x12) {
            struct_bytes::decode(bytes).ok_or_else(|| PathError::new(&KeyPath::Root, "not a google.protobuf.Struct"))
        } else {
            Tree::from_json(bytes)
        }
    }

    /// The same value as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(value) => whole(*value).map_or_else(|| Value::from(*value), Value::from),
            Tree::Text(value) => Value::String(value.clone()),
            Tree::List(items) => Value::Array(items.iter().map(Tree::to_json).collect()),
            Tree::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
        }
    }

    /// The value as the text of a JSON value, members in their order.
    pub fn to_json_text(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    fn write_json(&self, text: &mut String) {
        match self {
            Tree::Null => text.push_str("null"),
            Tree::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Tree::Number(value) => {
                text.push_str(&whole(*value).map_or_else(
                    || serde_json::Number::from_f64(*value).map_or_else(String::new, |number| number.to_string()),
                    |whole| whole.to_string(),
                ));
            }
            Tree::Text(value) => text.push_str(&quoted(value)),
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    text.push(if index == 0 { '[' } else { ',' });
                    item.write_json(text);
                }
                text.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Tree::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    text.push(if index == 0 { '{' } else { ',' });
                    text.push_str(&quoted(key));
                    text.push(':');
                    value.write_json(text);
                }
                text.push_str(if entries.is_empty() { "{}" } else { "}" });
            }
        }
    }

    /// What kind of value this is, for error texts.
    pub fn kind(&self) -> &'static str {
        match self {
            Tree::Null => "null",
            Tree::Bool(_) => "a boolean",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "an object",
        }
    }

    /// The value of `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Tree::Map(entries) = self else {
            return None;
        };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// A text as JSON (RFC 8259 section 7).
#[inline(never)]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// `number` as an integer, if it is one that a float holds exactly.
pub fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_991.0; // 2^53 - 1
    (number.fract() == 0.0 && (-LIMIT..=LIMIT).contains(&number)).then_some(number as i64)
}

impl fmt::Display for Tree {
    /// The value as one would write it in JSON, cut where an error text would become unreadable.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_json_text();
        match text.char_indices().nth(80) {
            Some((end, _)) => write!(formatter, "{}…", text.get(..end).unwrap_or_default()),
            None => formatter.write_str(&text),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries: Vec<(String, Tree)> = Vec::new();
        let mut keys = hashbrown::HashSet::new();
        while let Some((key, value)) = access.next_entry::<String, Tree>()? {
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("the key \"{key}\" stands twice")));
            }
            entries.push((key, value));
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests;
