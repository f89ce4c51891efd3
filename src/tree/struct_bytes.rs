//! Decodes a `google.protobuf.Struct` (<https://protobuf.dev/programming-guides/encoding/>; the messages Struct, Value and
//! ListValue of `google/protobuf/struct.proto`). This is no library, because prost would add 33 KB to the module instead
//! of 2 KB.

use super::Tree;
use crate::byte_index::ByteIndex;

/// The deepest nesting of values, as in serde_json.
const DEPTH: u32 = 128;

/// Decodes a `Struct`; none if the bytes are not one.
pub fn decode(bytes: &[u8]) -> Option<Tree> {
    read_struct(bytes, DEPTH)
}

/// `message Struct { map<string, Value> fields = 1; }`; a map entry is a message of key = 1 and value = 2.
fn read_struct(bytes: &[u8], depth: u32) -> Option<Tree> {
    let depth = depth.checked_sub(1)?;
    let mut entries: Vec<(String, Tree)> = Vec::new();
    let mut keys = ByteIndex::default();
    for field in Wire(bytes) {
        let (1, Field::Bytes(entry)) = field? else {
            return None;
        };
        let (mut key, mut value) = ("", Tree::Null);
        for part in Wire(entry) {
            match part? {
                (1, Field::Bytes(text)) => key = std::str::from_utf8(text).ok()?,
                (2, Field::Bytes(inner)) => value = read_value(inner, depth)?,
                _ => return None,
            }
        }
        if !keys.add(key.as_bytes()) {
            return None;
        }
        entries.push((key.to_owned(), value));
    }
    Some(Tree::Map(entries))
}

/// `message Value { oneof { null = 1; number = 2; string = 3; bool = 4; Struct = 5; ListValue = 6 } }`
fn read_value(bytes: &[u8], depth: u32) -> Option<Tree> {
    let mut value = Tree::Null;
    for field in Wire(bytes) {
        value = match field? {
            (1, Field::Varint(_)) => Tree::Null,
            (2, Field::Fixed64(bits)) => Tree::Number(f64::from_bits(bits)),
            (3, Field::Bytes(text)) => Tree::Text(std::str::from_utf8(text).ok()?.to_owned()),
            (4, Field::Varint(bit)) => Tree::Bool(bit != 0),
            (5, Field::Bytes(inner)) => read_struct(inner, depth)?,
            (6, Field::Bytes(inner)) => read_list(inner, depth)?,
            _ => return None,
        };
    }
    Some(value)
}

/// `message ListValue { repeated Value values = 1; }`
fn read_list(bytes: &[u8], depth: u32) -> Option<Tree> {
    let depth = depth.checked_sub(1)?;
    let mut items = Vec::new();
    for field in Wire(bytes) {
        let (1, Field::Bytes(inner)) = field? else {
            return None;
        };
        items.push(read_value(inner, depth)?);
    }
    Some(Tree::List(items))
}

enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message: their numbers and contents. An item is `None` if the bytes are malformed.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            _ => return None,
        };
        Some((tag >> 3, content))
    }
}

impl<'a> Iterator for Wire<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests;
