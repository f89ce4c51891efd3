use proptest::prelude::*;

use super::*;

fn written(escape: Escape, value: &str) -> String {
    let mut out = String::new();
    escape.write(value, &mut out);
    out
}

#[test]
fn values_are_escaped_for_text_and_for_html() {
    let hostile = "</script>\"'`${x}&\u{2028}\0é\n\t\u{7f}";
    for (escape, expected) in [
        (Escape::Plain, "</script>\"'`${x}&\u{2028}é\n\t"),
        (Escape::Html, "&lt;/script&gt;&quot;&#39;`${x}&amp;\u{2028}é\n\t"),
    ] {
        assert_eq!(written(escape, hostile), expected, "{escape:?}");
    }
}

proptest! {
    #[test]
    fn escaped_html_has_neither_tags_nor_quotes(value in any::<String>()) {
        prop_assert!(!written(Escape::Html, &value).contains(['<', '>', '"', '\'']));
    }
}
