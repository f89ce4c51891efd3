//! Trees: the values of JSON text, of a `google.protobuf.Struct`, or of YAML (in `maintctl`). [`fields`] reads a tree into
//! types; its errors contain the [`KeyPath`].
//!
//! Numbers are 64-bit floats, as they are in a `Struct`, so that a policy means the same in every format. Whole numbers are
//! exact up to 2^53 − 1.

use std::fmt;
use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::byte_index::ByteIndex;

pub mod fields;
mod struct_bytes;

pub use fields::{Fields, KeyPath, PathError};

/// A value. Maps keep the order of their keys, which are unique.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// `[…]`
    List(Vec<Tree>),
    /// `{…}`
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Parses JSON text (RFC 8259). A duplicate key is an error.
    pub fn from_json(bytes: &[u8]) -> Result<Tree, PathError> {
        serde_json::from_slice(bytes).map_err(|error| PathError::new(&KeyPath::Root, format_args!("not JSON: {error}")))
    }

    /// Parses a plugin configuration as Envoy passes it: JSON text for a `StringValue`, protobuf bytes for a `Struct`. No
    /// bytes are an empty object.
    ///
    /// Every `Struct` that is not empty contains the byte 0x12, the tag of a map entry's value. JSON text cannot contain
    /// it, because control characters are escaped there.
    pub fn from_plugin_configuration(bytes: &[u8]) -> Result<Tree, PathError> {
        if bytes.is_empty() {
            Ok(Tree::Map(Vec::new()))
        } else if bytes.contains(&0x12) {
            struct_bytes::decode(bytes).ok_or_else(|| PathError::new(&KeyPath::Root, "not a google.protobuf.Struct"))
        } else {
            Tree::from_json(bytes)
        }
    }

    /// Converts the value to that of serde_json.
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

    /// The value as JSON text, members in their order.
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

    /// The type of the value, for errors.
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

    /// The value of `key`, if this is an object with that key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Tree::Map(entries) = self else {
            return None;
        };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// A string as JSON text (RFC 8259 section 7).
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

/// `number` as an integer, if it is a whole number that a float represents exactly.
pub fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_991.0; // 2^53 - 1
    (number.fract() == 0.0 && (-LIMIT..=LIMIT).contains(&number)).then_some(number as i64)
}

impl fmt::Display for Tree {
    /// The value as JSON text, cut after 80 characters, for errors.
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
        let mut keys = ByteIndex::default();
        while let Some((key, value)) = access.next_entry::<String, Tree>()? {
            if !keys.add(key.as_bytes()) {
                return Err(A::Error::custom(format_args!("duplicate key \"{key}\"")));
            }
            entries.push((key, value));
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests;
