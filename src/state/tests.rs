use super::*;
use crate::time::Time;
use proptest::prelude::*;

/// Reads a document whose quotes are single, so that the tables below can be read.
fn document(text: &str) -> Result<Document, DocumentError> {
    Document::from_payload(text.replace('\'', "\"").as_bytes())
}

const BASE: &str = "'site': 'shop', 'fleet': 'eu', 'revision': 5, 'mode': 'offline'";

fn with(more: &str) -> Result<Document, DocumentError> {
    document(&format!("{{{BASE}, {more}}}"))
}

fn at(text: &str) -> Time {
    Time::parse(&format!("2026-11-21T{text}:00Z")).unwrap()
}

mod declared;
mod effective;
mod order;

fn read_declared(text: &str) -> Result<Document, String> {
    let tree = Tree::from_json(text.replace('\'', "\"").as_bytes()).unwrap();
    Document::declared("shop", &tree, &KeyPath::Root.key("state").key("shop")).map_err(|error| error.to_string())
}

#[test]
fn a_document_without_a_required_field_is_refused() {
    for (text, message) in [
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "[] is a list, not an object"),
        ("{}", "site: missing"),
        ("{'site': 'shop'}", "fleet: missing"),
        ("{'site': 'shop', 'fleet': 'eu'}", "revision: missing"),
        ("{'site': 'shop', 'fleet': 'eu', 'revision': 5}", "mode: missing"),
        ("{'site': 5}", "site: 5 is a number, not a text"),
        ("{'site': 'shop', 'fleet': null}", "fleet: missing"),
        ("{'site': 'a', 'fleet': 'b', 'revision': '5'}", "revision: \"5\" is a text, not a whole number"),
        ("{'site': 'a', 'fleet': 'b', 'revision': -1}", "revision: -1 is negative"),
        ("{'site': 'a', 'fleet': 'b', 'revision': 1.5}", "revision: 1.5 is not a whole number below 2^53"),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 9007199254740992}",
            "revision: 9007199254740992.0 is not a whole number below 2^53",
        ),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 18446744073709551616}",
            "revision: 1.8446744073709552e+19 is not a whole number below 2^53",
        ),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'pending'}",
            "mode: \"pending\" is not a mode; modes are online, read_only and offline",
        ),
    ] {
        assert_eq!(document(text).unwrap_err().to_string(), message, "{text}");
    }
    let greatest = format!("{{'site': 'a', 'fleet': 'b', 'revision': {MAX_REVISION}, 'mode': 'online'}}");
    assert_eq!(document(&greatest).unwrap().stamp.revision, MAX_REVISION);
}

#[test]
fn malformed_fields_are_refused() {
    let time = "is not an RFC 3339 time such as 2026-11-21T02:00:00Z";
    let window =
        |more: &str| format!("'windows': [{{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'{more}}}]");
    for (more, message) in [
        ("'since': 'today'".to_owned(), format!("since: \"today\" {time}")),
        ("'eta': '2026-11-21'".to_owned(), format!("eta: \"2026-11-21\" {time}")),
        ("'until': 5".to_owned(), "until: 5 is a number, not a text".to_owned()),
        ("'reason': {}".to_owned(), "reason: {} is an object, not a text".to_owned()),
        ("'note': 5".to_owned(), "note: 5 is a number, not a text".to_owned()),
        ("'by': []".to_owned(), "by: [] is a list, not a text".to_owned()),
        ("'suspend': 'staff'".to_owned(), "suspend: \"staff\" is a text, not a list".to_owned()),
        ("'suspend': [5]".to_owned(), "suspend[0]: 5 is a number, not a text".to_owned()),
        ("'critical': 'drain'".to_owned(), "critical: \"drain\" is a text, not a list".to_owned()),
        ("'windows': {}".to_owned(), "windows: {} is an object, not a list".to_owned()),
        ("'windows': [5]".to_owned(), "windows[0]: 5 is a number, not an object".to_owned()),
        ("'windows': [{}]".to_owned(), "windows[0].id: missing".to_owned()),
        ("'windows': [{'id': 'w'}]".to_owned(), "windows[0].mode: missing".to_owned()),
        ("'windows': [{'id': 'w', 'mode': 'offline'}]".to_owned(), "windows[0].from: missing".to_owned()),
        (
            "'windows': [{'id': 'w', 'mode': 'online', 'from': '2026-11-21T02:00:00Z'}]".to_owned(),
            "windows[0].mode: a window is offline or read_only".to_owned(),
        ),
        (window(", 'until': '2026-11-21T02:00:00Z'"), "windows[0].until: not after \"from\"".to_owned()),
        (window(", 'until': '2026-11-21T02:00:00+01:00'"), "windows[0].until: not after \"from\"".to_owned()),
        (window(", 'eta': ''"), format!("windows[0].eta: \"\" {time}")),
        (window(", 'suspend': {}"), "windows[0].suspend: {} is an object, not a list".to_owned()),
        (window(", 'by': 5"), "windows[0].by: 5 is a number, not a text".to_owned()),
        (
            "'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}, \
             {'id': 'w', 'mode': 'offline', 'from': '2026-11-22T02:00:00Z'}]"
                .to_owned(),
            "windows[1].id: duplicate window id \"w\"".to_owned(),
        ),
        ("'past': [{'mode': 'offline'}]".to_owned(), "past[0].from: missing".to_owned()),
        (
            "'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}]".to_owned(),
            "past[0].until: missing".to_owned(),
        ),
        ("'past': ['a']".to_owned(), "past[0]: \"a\" is a text, not an object".to_owned()),
        ("'mode': 'online'".to_owned(), "not JSON: duplicate key \"mode\" at line 1 column 83".to_owned()),
    ] {
        assert_eq!(with(&more).unwrap_err().to_string(), message, "{more}");
    }
}

#[test]
fn an_unknown_field_is_ignored_unless_it_is_critical() {
    let window = "'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'drain': {}}]";
    for (more, unknown) in [
        ("'drain': {'then': 'online'}, 'shadow': null", &["drain", "shadow"][..]),
        ("'critical': ['until', 'absent'], 'until': null", &[]),
        (window, &["windows[0].drain"]),
        (
            "'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z', 'x': 1}]",
            &["past[0].x"],
        ),
        (
            "'past': [{'mode': 'pending', 'from': '2026-11-21T01:00:00Z', 'until': 'later', 'drain': 1}, \
             {'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}], \
             'critical': ['mode', 'past.mode', 'windows.from']",
            &["past[0]"],
        ),
        // A critical name of which an unknown one is only the beginning.
        ("'drain': {}, 'critical': ['drains.x', 'drain-x']", &["drain"]),
    ] {
        assert_eq!(with(more).unwrap().unknown, unknown, "{more}");
    }
    for (more, error) in [
        ("'drain': {}, 'critical': ['until', 'drain']", "critical: the field \"drain\" is unknown to this version"),
        ("'drain': {}, 'critical': ['drain.then']", "critical: the field \"drain.then\" is unknown to this version"),
        ("'drain': {}, 'critical': ['drain.a.b']", "critical: the field \"drain.a.b\" is unknown to this version"),
        ("'shadow': true, 'critical': ['shadow']", "critical: the field \"shadow\" is unknown to this version"),
    ] {
        assert_eq!(with(more).unwrap_err().to_string(), error);
    }
    for name in ["drain", "drain.then", "windows[0].drain.then"] {
        let critical = format!("{window}, 'critical': ['{name}']");
        assert_eq!(with(&critical), Err(DocumentError::Unsupported(name.to_owned())));
    }
}

#[test]
fn an_entry_of_the_history_with_an_unknown_mode_is_ignored() {
    let past = "'past': [{'mode': 'pending'}, \
                {'mode': 'read_only', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}]";
    let document = with(past).unwrap();
    assert_eq!(document.past.iter().map(|past| past.mode).collect::<Vec<_>>(), [Mode::ReadOnly]);
    assert_eq!(document.mode, Mode::Offline);
    // Values that are not strings, and declared documents, are errors.
    let error = with("'past': [{'mode': 5}]").unwrap_err().to_string();
    assert_eq!(error, "past[0].mode: 5 is a number, not a text");
    let error = read_declared(&format!("{{'mode': 'offline', {past}}}")).unwrap_err();
    assert_eq!(error, "state.shop.past[0].mode: \"pending\" is not a mode; modes are online, read_only and offline");
}

#[test]
fn a_document_has_at_most_8_kib() {
    let sized = |size: usize| {
        let rest = format!("{{{BASE}, 'note': ''}}").len();
        with(&format!("'note': '{}'", "a".repeat(size - rest)))
    };
    assert_eq!(sized(MAX_DOCUMENT).unwrap().payload.len(), MAX_DOCUMENT);
    let error = sized(MAX_DOCUMENT + 1).unwrap_err();
    assert_eq!(error, DocumentError::TooLarge(MAX_DOCUMENT + 1));
    assert_eq!(error.to_string(), "8193 bytes long; a document has at most 8192");
}

#[test]
fn an_error_names_its_key_path_once() {
    let error = anyhow::Error::from(document("{}").unwrap_err());
    assert_eq!(format!("{error:#}"), "site: missing");
}
