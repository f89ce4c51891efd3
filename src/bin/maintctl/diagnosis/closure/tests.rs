use super::*;

#[test]
fn closures_without_an_end_and_ended_leases_get_warnings() {
    let now: Zoned = "2026-11-21T20:00:00Z[UTC]".parse().unwrap();
    for (members, expected) in [
        (r#""mode": "online""#, None),
        (r#""mode": "offline", "since": "2026-11-21T10:00:00Z""#, None),
        (
            r#""mode": "offline", "since": "2026-11-20T10:00:00Z", "by": "ops""#,
            Some(
                "shop: closed since 2026-11-20 10:00 by ops, without an end; open it with `maintctl open shop`, or set an end",
            ),
        ),
        (r#""mode": "offline", "since": "2026-11-20T10:00:00Z", "until": "2026-11-21T23:00:00Z""#, None),
        (
            r#""mode": "offline", "until": "2026-11-21T20:05:00Z""#,
            Some("shop: opens by itself at 20:05; `maintctl update shop --until TIME` moves the end"),
        ),
        (r#""mode": "offline", "until": "2026-11-21T19:05:00Z""#, None),
        (
            r#""mode": "offline", "eta": "2026-11-21T19:00:00Z""#,
            Some("shop: visitors were told to expect the site at 19:00, which has passed; open it"),
        ),
        (
            r#""mode": "online", "windows": [{"id": "h1", "mode": "offline", "from": "2026-11-21T18:00:00Z",
                "until": "2026-11-21T19:30:00Z", "by": "ci"}]"#,
            Some(
                "shop: the lease of the hold of ci (h1) ended at 19:30, so its job was probably killed; check the job",
            ),
        ),
        (
            r#""mode": "online", "windows": [{"id": "h1", "mode": "offline", "from": "2026-11-21T06:00:00Z", "by": "ci"}]"#,
            Some(
                "shop: the hold of ci (h1) has closed the site for 14h, without an end; end it with `maintctl open shop`",
            ),
        ),
        (
            r#""mode": "online", "windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T20:05:00Z",
                "until": "2026-11-21T21:00:00Z"}]"#,
            Some("shop: window w1 begins at 20:05"),
        ),
        (
            r#""mode": "online", "windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T18:00:00Z",
                "until": "2026-11-21T20:05:00Z"}]"#,
            Some("shop: window w1 ends at 20:05"),
        ),
        (
            r#""mode": "online", "windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T18:00:00Z",
                "until": "2026-11-21T19:05:00Z"}]"#,
            None,
        ),
    ] {
        let text = format!(r#"{{"site": "shop", "fleet": "demo", "revision": 1, {members}}}"#);
        let document = Document::from_payload(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        let found = remarks(&document, &now);
        let line = found.first().map(Remark::line).unwrap_or_default();
        assert_eq!(found.len(), usize::from(expected.is_some()), "{members}: {found:?}");
        assert!(line.starts_with(expected.unwrap_or_default()), "{members}: {line}");
    }
}
