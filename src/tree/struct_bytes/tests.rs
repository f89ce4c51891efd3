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
    fn encoded_values_decode_to_themselves(value in trees()) {
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
