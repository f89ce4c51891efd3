use super::*;

#[test]
fn the_last_number_of_a_key_counts() {
    let mut index = ByteIndex::default();
    assert_eq!((index.insert(b"a", 1), index.insert(b"a", 2), index.insert(b"", 3)), (None, Some(1), None));
    assert_eq!((index.get(b"a"), index.get(b""), index.get(b"b")), (Some(2), Some(3), None));
}

#[test]
fn a_set_contains_each_key_once() {
    let mut set: ByteIndex = ["a", "b", "a"].into_iter().collect();
    assert!(set.contains(b"a") && set.contains(b"b") && !set.contains(b""));
    assert!(set.add(b"c") && !set.add(b"c"));
}

#[test]
fn a_map_has_the_last_value_of_each_key() {
    let mut map = ByteMap::default();
    assert!(map.is_empty());
    for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
        map.insert(key.as_bytes(), value);
    }
    *map.get_mut(b"b").unwrap() += 10;
    assert_eq!((map.get(b"a"), map.get(b"b"), map.get(b"c"), map.is_empty()), (Some(&3), Some(&12), None, false));
}
