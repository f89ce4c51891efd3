use super::*;
use crate::document::tests::{draft, time};

mod history;
mod holds;
mod update;

const NOW: &str = "2026-11-21T02:00:00Z";

fn flags() -> (Mode, Details) {
    (Mode::Offline, Details::default())
}

/// A hold of `ci` since 01:00.
fn hold(more: Value) -> Value {
    let mut hold = json!({"id": "h1", "mode": "offline", "from": "2026-11-21T01:00:00Z", "by": "ci"});
    hold.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hold
}

/// The members that the edit may change.
fn rest(draft: &Draft) -> Value {
    let mut members = draft.members().clone();
    for name in ["site", "fleet", "revision"] {
        members.remove(name);
    }
    Value::Object(members)
}

#[test]
fn an_end_that_has_passed_meanwhile_is_an_error() {
    let flags = (Mode::Offline, Details { until: Some(time(NOW)), ..Details::default() });
    let mut draft = Draft::new("shop", Some("demo"));
    let error = close(&mut draft, flags.0, &flags.1, time(NOW)).unwrap_err();
    assert_eq!(error.to_string(), format!("the end {NOW} has passed meanwhile; nothing changed"));
}

/// Closes a site with each row's flags. A row is its name, the members before, the flags, and the members after.
fn check_close(rows: impl IntoIterator<Item = (&'static str, Value, (Mode, Details), Value)>) {
    for (row, before, flags, after) in rows {
        let mut draft = draft(before);
        close(&mut draft, flags.0, &flags.1, time(NOW)).unwrap();
        assert_eq!(rest(&draft), after, "{row}");
    }
}

#[test]
fn close_sets_the_given_fields_of_an_open_site() {
    let full = (
        Mode::ReadOnly,
        Details {
            until: Some(time("2026-11-21T03:30:00Z")),
            eta: Some(time("2026-11-21T03:00:00Z")),
            reason: Some("Upgrade".to_owned()),
            note: Some("ticket 7".to_owned()),
            suspend: vec!["staff".to_owned()],
            cleared: Vec::new(),
        },
    );
    check_close([
        ("no flag", json!({}), flags(), json!({"mode": "offline", "since": NOW})),
        (
            "every flag",
            json!({}),
            full,
            json!({
                "mode": "read_only", "since": NOW, "eta": "2026-11-21T03:00:00Z", "until": "2026-11-21T03:30:00Z",
                "reason": "Upgrade", "note": "ticket 7", "suspend": ["staff"]
            }),
        ),
        (
            "leftovers of an earlier maintenance",
            json!({"reason": "Old", "eta": "2026-11-20T03:00:00Z", "x": 1}),
            flags(),
            json!({"mode": "offline", "x": 1, "since": NOW}),
        ),
        (
            "an end that has passed",
            json!({"mode": "offline", "since": "2026-11-21T00:00:00Z", "until": "2026-11-21T01:00:00Z", "reason": "A", "by": "me"}),
            flags(),
            json!({
                "mode": "offline", "by": "me", "past": [{
                    "mode": "offline", "from": "2026-11-21T00:00:00Z", "until": "2026-11-21T01:00:00Z",
                    "reason": "A", "by": "me"
                }], "since": NOW
            }),
        ),
    ]);
}

#[test]
fn close_changes_the_given_fields_of_a_closed_site_and_keeps_the_rest() {
    check_close([
        (
            "cleared fields",
            json!({"mode": "offline", "until": "2026-11-21T03:30:00Z", "eta": "2026-11-21T03:00:00Z", "reason": "r",
                   "suspend": ["staff"]}),
            (Mode::Offline, Details { cleared: vec!["until", "suspend"], ..Details::default() }),
            json!({"mode": "offline", "eta": "2026-11-21T03:00:00Z", "reason": "r"}),
        ),
        (
            "no flag",
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "Upgrade"}),
            flags(),
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "Upgrade"}),
        ),
        (
            "another end",
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:00:00Z", "reason": "A"}),
            (Mode::Offline, Details { until: Some(time("2026-11-21T03:30:00Z")), ..Details::default() }),
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:30:00Z", "reason": "A"}),
        ),
        (
            "a read-only site",
            json!({"mode": "read_only", "since": "2026-11-21T01:00:00Z", "reason": "A"}),
            flags(),
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "A"}),
        ),
        (
            "an empty reason",
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "A"}),
            (Mode::Offline, Details { reason: Some(String::new()), ..Details::default() }),
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z"}),
        ),
    ]);
}

#[test]
fn close_replaces_an_active_window_only_if_a_field_changes() {
    check_close([
        (
            "no flag",
            json!({"windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T01:00:00Z"}]}),
            flags(),
            json!({"mode": "online", "windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T01:00:00Z"}]}),
        ),
        (
            "an earlier end",
            json!({"windows": [
                {"id": "w1", "mode": "offline", "from": "2026-11-21T01:00:00Z", "until": "2026-11-21T05:00:00Z", "reason": "A"},
                {"id": "w2", "mode": "offline", "from": "2026-11-22T01:00:00Z"}
            ]}),
            (Mode::Offline, Details { until: Some(time("2026-11-21T03:30:00Z")), ..Details::default() }),
            json!({
                "mode": "offline", "windows": [{"id": "w2", "mode": "offline", "from": "2026-11-22T01:00:00Z"}],
                "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:30:00Z", "reason": "A"
            }),
        ),
    ]);
}

/// Closed by the document itself until 03:00, and by a window until 05:00.
fn twice(own: &str, window: &str) -> Value {
    json!({
        "mode": own, "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:00:00Z", "reason": "A",
        "windows": [
            {"id": "w1", "mode": window, "from": "2026-11-21T01:30:00Z", "until": "2026-11-21T05:00:00Z", "reason": "B"},
            {"id": "w2", "mode": "offline", "from": "2026-11-22T01:00:00Z"}
        ]
    })
}

#[test]
fn close_merges_an_active_window_only_if_it_contradicts_the_edit() {
    let members = |document: &Value, changes: Value| {
        let mut members = document.as_object().unwrap().clone();
        members.extend(changes.as_object().unwrap().clone());
        Value::Object(members)
    };
    let (offline_twice, read_only_after) = (twice("offline", "offline"), twice("offline", "read_only"));
    let later = json!([{"id": "w2", "mode": "offline", "from": "2026-11-22T01:00:00Z"}]);
    let at = |text: &str| Some(time(text));
    for (row, before, flags, changes) in [
        (
            "another reason",
            &read_only_after,
            (Mode::Offline, Details { reason: Some("x".to_owned()), ..Details::default() }),
            json!({"reason": "x"}),
        ),
        (
            "another promise and a rule to suspend",
            &read_only_after,
            (
                Mode::Offline,
                Details { eta: at("2026-11-21T02:30:00Z"), suspend: vec!["staff".to_owned()], ..Details::default() },
            ),
            json!({"eta": "2026-11-21T02:30:00Z", "suspend": ["staff"]}),
        ),
        ("no flag", &read_only_after, flags(), json!({})),
        ("what was read-only becomes offline", &twice("read_only", "read_only"), flags(), json!({"mode": "offline"})),
        (
            "what was offline becomes read-only",
            &read_only_after,
            (Mode::ReadOnly, Details::default()),
            json!({"mode": "read_only"}),
        ),
        (
            "an end after that of the window",
            &read_only_after,
            (Mode::Offline, Details { until: at("2026-11-21T06:00:00Z"), ..Details::default() }),
            json!({"until": "2026-11-21T06:00:00Z"}),
        ),
        (
            "an end before that of the window, which the site would not have",
            &read_only_after,
            (Mode::Offline, Details { until: at("2026-11-21T04:00:00Z"), ..Details::default() }),
            json!({"until": "2026-11-21T04:00:00Z", "windows": later}),
        ),
        (
            "read-only, which the site would not be",
            &offline_twice,
            (Mode::ReadOnly, Details::default()),
            json!({"mode": "read_only", "until": "2026-11-21T05:00:00Z", "windows": later}),
        ),
    ] {
        let mut draft = draft(before.clone());
        close(&mut draft, flags.0, &flags.1, time(NOW)).unwrap();
        assert_eq!(rest(&draft), members(before, changes), "{row}");
    }
}

#[test]
fn open_ends_active_modes_and_keeps_future_windows() {
    for (row, before, after) in [
        ("open already", json!({}), json!({"mode": "online"})),
        (
            "closed",
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:00:00Z", "by": "me", "x": 1}),
            json!({
                "mode": "online", "since": NOW, "by": "me", "x": 1,
                "past": [{"mode": "offline", "from": "2026-11-21T01:00:00Z", "until": NOW, "by": "me"}]
            }),
        ),
        (
            "inside a window",
            json!({"windows": [
                {"id": "w1", "mode": "read_only", "from": "2026-11-21T01:00:00Z", "reason": "A"},
                {"id": "w2", "mode": "offline", "from": "2026-11-21T02:00:01Z"},
                {"id": "w0", "mode": "offline", "from": "2026-11-20T01:00:00Z", "until": "2026-11-20T02:00:00Z"}
            ]}),
            json!({
                "mode": "online", "windows": [{"id": "w2", "mode": "offline", "from": "2026-11-21T02:00:01Z"}], "since": NOW,
                "past": [
                    {"mode": "offline", "from": "2026-11-20T01:00:00Z", "until": "2026-11-20T02:00:00Z"},
                    {"mode": "read_only", "from": "2026-11-21T01:00:00Z", "until": NOW, "reason": "A"}
                ]
            }),
        ),
    ] {
        let mut draft = draft(before);
        open(&mut draft, time(NOW)).unwrap();
        assert_eq!(rest(&draft), after, "{row}");
    }
}

#[test]
fn close_takes_a_read_only_site_offline() {
    let window = |mode: &str| json!({"id": "w1", "mode": mode, "from": "2026-11-21T01:00:00Z"});
    for (row, before) in [
        ("by its own mode", json!({"mode": "read_only"})),
        ("by a window", json!({"windows": [window("read_only")]})),
        ("by a hold", json!({"windows": [hold(json!({"mode": "read_only"}))]})),
        ("by its own mode and a window", json!({"mode": "read_only", "windows": [window("read_only")]})),
        ("by its own mode, and offline by a window", json!({"mode": "read_only", "windows": [window("offline")]})),
    ] {
        for details in [Details::default(), Details { reason: Some("r".to_owned()), ..Details::default() }] {
            let mut draft = draft(before.clone());
            close(&mut draft, Mode::Offline, &details, time(NOW)).unwrap();
            assert_eq!(draft.read().unwrap().mode, Mode::Offline, "{row}");
        }
    }
}
