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
