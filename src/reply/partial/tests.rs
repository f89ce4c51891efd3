use super::*;

fn link(contact: &str, label: Option<&str>, escape: Escape) -> String {
    let texts = [Some(("contact", contact)), label.map(|label| ("contact_label", label))];
    let context: Vec<_> = texts.into_iter().flatten().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    contact_link(&context, escape)
}

#[test]
fn only_web_and_mail_addresses_become_links() {
    for (contact, label, html) in [
        (
            "https://status.example.com/?a=1&b",
            None,
            "<a href=\"https://status.example.com/?a=1&amp;b\">https://status.example.com/?a=1&amp;b</a>",
        ),
        ("http://a", Some("Status <page>"), "<a href=\"http://a\">Status &lt;page&gt;</a>"),
        ("mailto:ops@example.com", None, "<a href=\"mailto:ops@example.com\">ops@example.com</a>"),
        (" ops@example.com ", None, "<a href=\"mailto:ops@example.com\">ops@example.com</a>"),
        ("ops@example.com", Some("Write to us"), "<a href=\"mailto:ops@example.com\">Write to us</a>"),
        (
            "https://a/\"><script>",
            None,
            "<a href=\"https://a/&quot;&gt;&lt;script&gt;\">https://a/&quot;&gt;&lt;script&gt;</a>",
        ),
        ("+49 30 1234", None, "+49 30 1234"),
        ("+49 30 1234", Some("Call us"), "Call us: +49 30 1234"),
        ("javascript:alert(1)", None, "javascript:alert(1)"),
        ("javascript:alert('a@b')", None, "javascript:alert(&#39;a@b&#39;)"),
        ("JAVASCRIPT:a@b", Some("x"), "x: JAVASCRIPT:a@b"),
        ("data:text/html,a@b", None, "data:text/html,a@b"),
        ("//evil.example/@", None, "//evil.example/@"),
        ("", None, ""),
        ("", Some("Write to us"), ""),
    ] {
        assert_eq!(link(contact, label, Escape::Html), html, "{contact}");
    }
    assert_eq!(link("mailto:ops@example.com", None, Escape::Plain), "ops@example.com");
    assert_eq!(link("https://a/?a&b", Some("Status"), Escape::Plain), "Status: https://a/?a&b");
}
