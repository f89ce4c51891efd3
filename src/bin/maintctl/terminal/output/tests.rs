use super::*;

#[test]
fn characters_that_control_a_terminal_are_escaped_as_in_json() {
    for (text, cleaned, one_line) in [
        ("Käse – 午前 🚧", "Käse – 午前 🚧", "Käse – 午前 🚧"),
        ("a\nb\tc", "a\nb\tc", "a\\u000ab\\u0009c"),
        ("\u{1b}]0;t", "\\u001b]0;t", "\\u001b]0;t"),
        ("\r\u{0}\u{7f}", "\\u000d\\u0000\\u007f", "\\u000d\\u0000\\u007f"),
        ("\u{80}\u{85}\u{9b}\u{9f}", "\\u0080\\u0085\\u009b\\u009f", "\\u0080\\u0085\\u009b\\u009f"),
        ("\u{202e}\u{2066}\u{200f}", "\\u202e\\u2066\\u200f", "\\u202e\\u2066\\u200f"),
        ("\u{2028}\u{2029}\u{feff}", "\\u2028\\u2029\\ufeff", "\\u2028\\u2029\\ufeff"),
    ] {
        assert_eq!((clean(text).as_ref(), shown(text).as_str()), (cleaned, one_line), "{text:?}");
    }
}

#[test]
fn escaped_json_has_the_same_value() {
    let value = serde_json::json!({ "reason": "\u{1b}[2J\u{9b}\u{202e}\u{7f}\n\"\\u001b" });
    let read: serde_json::Value = serde_json::from_str(&clean(&value.to_string())).unwrap();
    assert_eq!(read, value);
}

#[test]
fn a_value_is_cut_at_the_maximum_length() {
    let long = "ä".repeat(LONGEST);
    assert_eq!(shown(&long), long);
    assert_eq!(shown(&(long.clone() + "b")), long + "…");
}
