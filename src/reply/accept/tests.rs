use super::*;
use proptest::prelude::*;

#[test]
fn clients_get_what_they_prefer() {
    for (accept, preference) in [
        // Chromium, Firefox, Safari: pages, images, style sheets, all else.
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
            AcceptPreference::Html,
        ),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", AcceptPreference::Html),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", AcceptPreference::Media),
        ("image/avif,image/webp,*/*", AcceptPreference::Media),
        ("text/css,*/*;q=0.1", AcceptPreference::Media),
        ("*/*", AcceptPreference::Other),
        // Libraries.
        ("text/html, */*", AcceptPreference::Html),
        ("text/vnd.turbo-stream.html, text/html, application/xhtml+xml", AcceptPreference::Html),
        ("application/json, text/plain, */*", AcceptPreference::Other),
        ("application/json", AcceptPreference::Other),
        ("application/problem+json", AcceptPreference::Other),
        ("text/event-stream", AcceptPreference::Other),
        ("application/xml", AcceptPreference::Other),
        // Weights.
        ("application/json, text/html;q=0.5", AcceptPreference::Other),
        ("application/json;q=0.5, text/html", AcceptPreference::Html),
        ("application/json, text/html", AcceptPreference::Html),
        ("text/html;q=0.9, */*", AcceptPreference::Other),
        ("text/html;q=0", AcceptPreference::Other),
        ("text/html;q=0, */*", AcceptPreference::Other),
        ("text/html;level=1;Q=0.2, application/json;q=0.1", AcceptPreference::Html),
        ("TEXT/HTML", AcceptPreference::Html),
        ("application/xhtml+xml", AcceptPreference::Html),
        ("text/plain", AcceptPreference::Text),
        ("text/plain, */*", AcceptPreference::Text),
        ("text/plain;q=0.5, */*;q=0.1", AcceptPreference::Text),
        ("text/plain;q=0.5, text/html", AcceptPreference::Html),
        ("text/plain, text/html;q=0.5", AcceptPreference::Text),
        ("text/*", AcceptPreference::Text),
        ("font/woff2", AcceptPreference::Media),
        ("video/*;q=0.8,*/*;q=0.5", AcceptPreference::Media),
        // Malformed.
        ("", AcceptPreference::Other),
        (",,;;,", AcceptPreference::Other),
        ("text/html;q=abc", AcceptPreference::Other),
        ("text/html;q=1.0001", AcceptPreference::Other),
        ("text/html;q=2", AcceptPreference::Other),
        ("text/html;q=", AcceptPreference::Other),
        ("text/html;q=1.5", AcceptPreference::Html),
        ("texthtml", AcceptPreference::Other),
    ] {
        assert_eq!(AcceptPreference::read([accept.as_bytes()].into_iter()), preference, "{accept}");
    }
}

#[test]
fn several_headers_count_as_one_list() {
    assert_eq!(
        AcceptPreference::read([&b"application/json"[..], b"text/html;q=0.1"].into_iter()),
        AcceptPreference::Other
    );
    assert_eq!(AcceptPreference::read(std::iter::empty()), AcceptPreference::Other);
}

#[test]
fn headers_are_read_up_to_a_limit() {
    let long = format!("{}text/html", "a/b;q=0,".repeat(8000));
    assert_eq!(AcceptPreference::read([long.as_bytes()].into_iter()), AcceptPreference::Other);
}

proptest! {
    #[test]
    fn any_bytes_give_a_preference(header in any::<Vec<u8>>()) {
        AcceptPreference::read([header.as_slice()].into_iter());
    }
}
