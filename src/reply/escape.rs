//! Writes a value so that it stays a value where it stands: in text, HTML, a script's string, or a URL.

use std::fmt::Write;

/// How a value is written where a template names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Plain text: control characters but line ends and tabs are left out.
    Plain,
    /// HTML text, or a quoted attribute.
    Html,
    /// A string of JavaScript or JSON, in any quotes.
    Script,
    /// Part of a URL after its scheme, in a quoted attribute (RFC 3986 section 2.1).
    Url,
}

impl Escape {
    /// Appends `value` to `out`.
    pub fn write(self, value: &str, out: &mut String) {
        match self {
            Escape::Plain => out.extend(value.chars().filter(|c| is_printable(*c))),
            Escape::Html => html(value, out),
            Escape::Script => script(value, out),
            Escape::Url => url(value, out),
        }
    }
}

fn is_printable(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\t')
}

fn html(value: &str, out: &mut String) {
    for c in value.chars().filter(|c| is_printable(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// All but letters, digits and harmless marks become `\uXXXX`, which JavaScript and JSON read alike, so that no quote, no
/// `</script>` and no `${` can come of a value.
fn script(value: &str, out: &mut String) {
    for c in value.chars() {
        let harmless = c.is_ascii_alphanumeric()
            || matches!(c, ' ' | '.' | ',' | ':' | '-' | '_')
            || c.is_alphabetic() && !c.is_ascii();
        if harmless {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a text cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

fn url(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(escape: Escape, value: &str) -> String {
        let mut out = String::new();
        escape.write(value, &mut out);
        out
    }

    #[test]
    fn values_are_written_for_where_they_stand() {
        let hostile = "</script>\"'`${x}&\u{2028}\0é";
        for (escape, expected) in [
            (Escape::Plain, "</script>\"'`${x}&\u{2028}é"),
            (Escape::Html, "&lt;/script&gt;&quot;&#39;`${x}&amp;\u{2028}é"),
            (Escape::Script, r"\u003c\u002fscript\u003e\u0022\u0027\u0060\u0024\u007bx\u007d\u0026\u2028\u0000é"),
            (Escape::Url, "%3C%2Fscript%3E%22%27%60%24%7Bx%7D%26%E2%80%A8%00%C3%A9"),
        ] {
            assert_eq!(written(escape, hostile), expected, "{escape:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place(value in any::<String>()) {
            prop_assert!(!written(Escape::Html, &value).contains(['<', '>', '"', '\'']));
            prop_assert!(!written(Escape::Url, &value).contains(['<', '>', '"', '\'', '&', '/', ':', '?', '#']));
            let script = written(Escape::Script, &value);
            let harmful = ['<', '>', '"', '\'', '`', '$', '/', '\n', '\r', '\u{2028}', '\u{2029}'];
            prop_assert!(!script.contains(harmful), "{}", script);
            let read: Option<String> = serde_json::from_str(&format!("\"{script}\"")).ok();
            prop_assert_eq!(read, Some(value));
        }
    }
}
