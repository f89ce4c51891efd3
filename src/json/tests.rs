use super::*;
use serde_json::{Value, json};

#[test]
fn an_object_is_json() {
    let mut object = Object::default();
    assert_eq!(Object::default().end(), "{}");
    object.text("text", Some("a \"b\"\n"));
    object.text("nothing", None);
    object.number("number", u64::MAX);
    object.texts("texts", &["a".to_owned(), "\\".to_owned()]);
    object.texts("none", &[]);
    object.raw("raw", &list(&["1".to_owned(), "{}".to_owned()]));
    let value: Value = serde_json::from_str(&object.end()).unwrap();
    let expected = json!({
        "text": "a \"b\"\n", "nothing": null, "number": u64::MAX, "texts": ["a", "\\"], "none": [], "raw": [1, {}],
    });
    assert_eq!(value, expected);
}
