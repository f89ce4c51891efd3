use super::*;

#[test]
fn a_declared_document_requires_a_mode_and_has_no_unknown_fields() {
    for (text, message) in [
        ("[]", "state.shop: [] is a list, not an object"),
        ("{}", "state.shop.mode: missing"),
        ("{'mode': 'shut'}", "state.shop.mode: \"shut\" is not a mode; modes are online, read_only and offline"),
        ("{'site': 'shops', 'mode': 'offline'}", "state.shop.site: \"shops\" is not \"shop\", the site of this entry"),
        ("{'mode': 'offline', 'revision': -5}", "state.shop.revision: -5 is negative"),
        ("{'mode': 'offline', 'utnil': null}", "state.shop.utnil: unknown field; did you mean \"until\"?"),
        (
            "{'mode': 'offline', 'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'To': 1}]}",
            "state.shop.windows[0].To: unknown field",
        ),
        (
            "{'mode': 'offline', 'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z', \
             'until': '2026-11-21T03:00:00Z', 'on': 1}]}",
            "state.shop.past[0].on: unknown field",
        ),
        (
            "{'mode': 'offline', 'drain': {}, 'critical': ['until', 'drain']}",
            "state.shop.critical[1]: the field \"drain\" is unknown to this version",
        ),
        (
            "{'mode': 'offline', 'drain': {}, 'critical': ['drain.then']}",
            "state.shop.critical[0]: the field \"drain.then\" is unknown to this version",
        ),
        (
            "{'mode': 'offline', 'until': '02:00'}",
            "state.shop.until: \"02:00\" is not an RFC 3339 time such as 2026-11-21T02:00:00Z",
        ),
    ] {
        assert_eq!(read_declared(text).map(|_| ()), Err(message.to_owned()), "{text}");
    }
    let long = format!("{{'mode': 'offline', 'note': '{}'}}", "a".repeat(MAX_DOCUMENT));
    let message = "state.shop: 8220 bytes long as JSON; a document has at most 8192";
    assert_eq!(read_declared(&long).map(|_| ()), Err(message.to_owned()));
    let least = read_declared("{'mode': 'offline'}").unwrap();
    assert_eq!((least.site.as_str(), least.fleet, least.stamp.revision), ("shop", None, 0));
    let whole = read_declared("{'site': 'shop', 'fleet': 'eu', 'revision': 7, 'mode': 'online'}").unwrap();
    assert_eq!((whole.fleet.as_deref(), whole.stamp.revision), (Some("eu"), 7));
}

#[test]
fn the_order_of_members_does_not_change_the_digest_of_a_declared_document() {
    let one = read_declared(
        "{'mode': 'offline', 'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}]}",
    );
    let other = read_declared(
        "{'windows': [{'from': '2026-11-21T02:00:00Z', 'mode': 'offline', 'id': 'w'}], 'mode': 'offline'}",
    );
    assert_eq!(one.unwrap().stamp, other.unwrap().stamp);
}
