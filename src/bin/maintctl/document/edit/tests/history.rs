//! The history in a document, and its length.

use envoy_maintenance::state::MAX_DOCUMENT;

use super::*;

#[test]
fn the_history_has_the_newest_five_entries() {
    let mut draft = draft(json!({}));
    for hour in 10..17 {
        close(&mut draft, Mode::Offline, &Details::default(), time(&format!("2026-11-21T{hour}:00:00Z"))).unwrap();
        open(&mut draft, time(&format!("2026-11-21T{hour}:30:00Z"))).unwrap();
    }
    let past = draft.read().unwrap().past;
    let hours: Vec<String> = past.iter().map(|past| past.from.to_string()).collect();
    assert_eq!(hours.len(), 5);
    assert_eq!(hours.first().map(String::as_str), Some("2026-11-21T12:00:00Z"));
    assert_eq!(hours.last().map(String::as_str), Some("2026-11-21T16:00:00Z"));
}

#[test]
fn a_full_document_can_be_opened_and_loses_its_oldest_history() {
    let past = |day: u32| {
        let at = |hour: u32| format!("2026-11-{day:02}T{hour:02}:00:00Z");
        json!({"mode": "offline", "from": at(1), "until": at(2), "reason": ""})
    };
    let own = json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "r", "past": [past(1), past(2)]});
    let alone = json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "r"});
    let window = json!({"mode": "online", "past": [past(1), past(2)], "windows": [
        {"id": "w1", "mode": "offline", "from": "2026-11-21T01:00:00Z", "until": null, "reason": ""}
    ]});
    for (row, before, full_of, kept) in [
        ("the oldest was long", &own, "/past/0/reason", 2),
        ("the oldest was short, and another one long", &own, "/past/1/reason", 1),
        ("it is long itself", &own, "/reason", 1),
        ("it is long itself, and has no past", &alone, "/reason", 0),
        ("a window was long", &window, "/windows/0/reason", 2),
    ] {
        let mut before = draft(before.clone());
        before.stamp(&before.clone(), time(NOW), "me");
        let room = MAX_DOCUMENT - before.payload().unwrap().len();
        let mut members = Value::Object(before.members().clone());
        *members.pointer_mut(full_of).unwrap() = "x".repeat(room).into();
        let mut draft = draft(members);
        assert!((MAX_DOCUMENT - 1..=MAX_DOCUMENT).contains(&draft.payload().unwrap().len()), "{row}");
        let before = draft.clone();
        open(&mut draft, time(NOW)).unwrap();
        draft.stamp(&before, time(NOW), "somebody else");
        let document = draft.read().unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!((document.at(time(NOW)).mode(), document.past.len()), (Mode::Online, kept), "{row}");
        assert!(document.past.last().is_none_or(|last| last.until == time(NOW)), "{row}: the newest stays");
    }
}

#[test]
fn a_document_that_is_too_long_is_an_error() {
    let mut draft = draft(json!({}));
    let flags = (Mode::Offline, Details { reason: Some("x".repeat(9000)), ..Details::default() });
    close(&mut draft, flags.0, &flags.1, time(NOW)).unwrap();
    let error = draft.read().unwrap_err();
    assert_eq!(error.to_string(), "shop: the document would be longer than 8 KiB; cancel windows or shorten reasons");
}
