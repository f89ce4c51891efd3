//! The wire form of `google.protobuf.Struct` (protobuf encoding, <https://protobuf.dev/programming-guides/encoding/>;
//! the messages Struct, Value and ListValue of `google/protobuf/struct.proto`). Decoded by hand: 2 KB of module
//! against 33 KB of prost.

use super::Tree;

/// How deep values may stand inside each other; as in serde_json.
const DEPTH: u32 = 128;

/// The tree of an encoded `Struct`, or none if the bytes are not one.
pub fn decode(bytes: &[u8]) -> Option<Tree> {
    read_struct(bytes, DEPTH)
}

/// `message Struct { map<string, Value> fields = 1; }`; a map entry is a message of key = 1 and value = 2.
fn read_struct(bytes: &[u8], depth: u32) -> Option<Tree> {
    let depth = depth.checked_sub(1)?;
    let mut entries: Vec<(String, Tree)> = Vec::new();
    let mut keys = hashbrown::HashSet::new();
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
        if !keys.insert(key.to_owned()) {
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

/// The fields of one message: number and content each, `None` inside where the bytes are broken.
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn length_delimited(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = content.len();
        while length > 0x7f {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(content);
        bytes
    }

    fn encode_value(tree: &Tree) -> Vec<u8> {
        match tree {
            Tree::Null => vec![1 << 3, 0],
            Tree::Number(number) => [&[2 << 3 | 1][..], &number.to_le_bytes()].concat(),
            Tree::Text(text) => length_delimited(3, text.as_bytes()),
            Tree::Bool(value) => vec![4 << 3, u8::from(*value)],
            Tree::Map(_) => length_delimited(5, &encode(tree)),
            Tree::List(items) => {
                let items: Vec<u8> = items.iter().flat_map(|item| length_delimited(1, &encode_value(item))).collect();
                length_delimited(6, &items)
            }
        }
    }

    fn encode(tree: &Tree) -> Vec<u8> {
        let Tree::Map(entries) = tree else { panic!("a Struct is a map") };
        let entry = |(key, value): &(String, Tree)| {
            let parts = [length_delimited(1, key.as_bytes()), length_delimited(2, &encode_value(value))];
            length_delimited(1, &parts.concat())
        };
        entries.iter().flat_map(entry).collect()
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::Bool),
            any::<i32>().prop_map(|number| Tree::Number(number.into())),
            ".{0,200}".prop_map(Tree::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::List),
                prop::collection::btree_map(".{0,9}", inner, 0..6)
                    .prop_map(|entries| Tree::Map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(value in trees()) {
            let tree = Tree::Map(vec![("value".to_owned(), value)]);
            let bytes = encode(&tree);
            prop_assert_eq!(Tree::from_plugin_configuration(&bytes), Ok(tree));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut tree = Tree::Null;
        for _ in 0..200 {
            tree = Tree::Map(vec![("a".to_owned(), tree)]);
        }
        assert_eq!(decode(&encode(&tree)), None);
    }
}
