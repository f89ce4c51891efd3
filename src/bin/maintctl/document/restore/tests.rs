use super::*;
use crate::document::edit;
use crate::document::tests::{draft, time};
use serde_json::json;

const NOW: &str = "2026-11-21T02:00:00Z";
const LATER: &str = "2026-11-21T02:10:00Z";

/// Opens the site at 02:00.
fn opened(before: &Draft) -> (Draft, Option<Closure>) {
    let mut after = before.clone();
    edit::open(&mut after, time(NOW)).unwrap();
    after.stamp(before, time(NOW), "tester");
    let closure = Closure::of(before, &after).unwrap();
    (after, closure)
}

/// The members that describe the modes.
fn modes(draft: &Draft) -> Value {
    let mut members = draft.members().clone();
    for name in ["site", "fleet", "revision", "past", "since"] {
        members.remove(name);
    }
    Value::Object(members)
}

#[test]
fn the_previous_state_is_restored() {
    let own = json!({
        "mode": "read_only", "since": "2026-11-21T01:00:00Z", "until": "2026-11-21T03:00:00Z", "eta": "2026-11-21T02:30:00Z",
        "reason": "Upgrade", "note": "ticket 7", "by": "alice", "suspend": ["staff"]
    });
    let window = |id: &str, from: &str, until: Option<&str>| match until {
        Some(until) => json!({"id": id, "mode": "offline", "from": from, "until": until}),
        None => json!({"id": id, "mode": "offline", "from": from}),
    };
    let planned = window("w2", "2026-11-22T01:00:00Z", None);
    for (row, before, after) in [
        ("its own mode", own.clone(), own),
        (
            "windows",
            json!({"by": "alice", "windows": [planned, window("w1", "2026-11-21T01:00:00Z", Some("2026-11-21T03:00:00Z"))]}),
            json!({"mode": "online", "by": "tester",
                   "windows": [planned, window("w1", LATER, Some("2026-11-21T03:00:00Z"))]}),
        ),
        (
            "a window without an end, and one that would have ended",
            json!({"windows": [
                window("w1", "2026-11-21T01:00:00Z", None),
                window("w3", "2026-11-21T01:00:00Z", Some("2026-11-21T02:05:00Z"))
            ]}),
            json!({"mode": "online", "by": "tester", "windows": [window("w1", LATER, None)]}),
        ),
    ] {
        let mut after = after;
        if after["mode"] != "online" {
            after.as_object_mut().unwrap().remove("since");
        }
        let (open, closure) = opened(&draft(before));
        assert_eq!(open.read().unwrap().at(time(NOW)).mode(), Mode::Online, "{row}");
        let mut restored = open.clone();
        assert!(closure.unwrap().restore(&mut restored, time(LATER)).unwrap(), "{row}");
        restored.stamp(&open, time(LATER), "tester");
        assert_eq!(modes(&restored), after, "{row}");
        assert_eq!(restored.read().unwrap().past.len(), open.read().unwrap().past.len(), "{row}: the history stays");
    }
}

#[test]
fn a_site_that_was_open_before_needs_no_restoration() {
    for before in [json!({}), json!({"mode": "offline", "until": "2026-11-21T01:00:00Z"})] {
        let mut before = draft(before);
        before.tidy(time(NOW)).unwrap();
        assert!(opened(&before).1.is_none());
    }
}

#[test]
fn a_mode_that_would_have_ended_is_not_restored() {
    let (mut open, closure) = opened(&draft(json!({"mode": "offline", "until": "2026-11-21T02:05:00Z"})));
    let before = open.clone();
    assert!(closure.clone().unwrap().restore(&mut open, time(LATER)).unwrap());
    assert_eq!(open, before);
    assert!(closure.unwrap().is_over(time(LATER)));
}

#[test]
fn a_change_of_another_operator_meanwhile_stays() {
    let close = |draft: &mut Draft, at: &str| {
        edit::close(draft, Mode::Offline, &edit::Details::default(), time(at)).unwrap();
    };
    let hold = json!({"id": "h1", "mode": "offline", "from": "2026-11-21T02:05:00Z", "by": "ci"});
    type Meanwhile<'c> = Box<dyn Fn(&mut Draft) + 'c>;
    let rows: [(&str, Meanwhile<'_>, bool); 5] = [
        ("nothing", Box::new(|_| ()), true),
        ("closed", Box::new(|draft| close(draft, "2026-11-21T02:05:00Z")), false),
        (
            "closed and opened",
            Box::new(|draft| {
                close(draft, "2026-11-21T02:05:00Z");
                edit::open(draft, time("2026-11-21T02:06:00Z")).unwrap();
            }),
            false,
        ),
        ("a command that holds the site", Box::new(|draft| draft.add_window(hold.clone())), true),
        ("a restart of Envoy", Box::new(|document| *document = draft(json!({}))), true),
    ];
    for (row, change, is_restored) in rows {
        let (open, closure) = opened(&draft(json!({"mode": "offline", "reason": "Upgrade"})));
        let mut changed = open.clone();
        change(&mut changed);
        let mut after = changed.clone();
        assert_eq!(closure.unwrap().restore(&mut after, time(LATER)).unwrap(), is_restored, "{row}");
        assert_eq!(after.read().unwrap().reason.is_some(), is_restored, "{row}");
        assert_eq!(after.read().unwrap().windows, changed.read().unwrap().windows, "{row}: holds stay");
    }
}
