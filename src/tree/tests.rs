use super::*;

#[test]
fn a_duplicate_key_is_refused() {
    let error = Tree::from_json(br#"{"mode": "online", "mode": "offline"}"#).unwrap_err();
    assert_eq!(error.to_string(), "not JSON: duplicate key \"mode\" at line 1 column 37");
}

#[test]
fn no_bytes_are_an_empty_object() {
    assert_eq!(Tree::from_plugin_configuration(b""), Ok(Tree::Map(Vec::new())));
    let error = Tree::from_plugin_configuration(b"\x0a\x05\x0a\x01a\x12").unwrap_err();
    assert_eq!(error.to_string(), "not a google.protobuf.Struct");
}

#[test]
fn whole_numbers_are_written_without_a_fraction() {
    let tree = Tree::from_json(b"[1795204262751, 1.5, -3]").unwrap();
    assert_eq!(
        (tree.to_json().to_string(), tree.to_json_text()),
        ("[1795204262751,1.5,-3]".into(), "[1795204262751,1.5,-3]".into())
    );
}

#[test]
fn deep_nesting_is_an_error() {
    assert!(Tree::from_json("[".repeat(100_000).as_bytes()).is_err());
}
