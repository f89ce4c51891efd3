use super::*;
use crate::document::tests::{draft, time};

mod simulation;

const NOW: &str = "2026-11-21T02:00:00Z";

/// The time this many seconds after 02:00.
fn at(seconds: i64) -> Time {
    Time(time(NOW).0 + seconds * 1000)
}

/// A hold whose lease ends after this many seconds; 0: without a lease.
fn hold(by: &str, lease: i64) -> NewHold {
    NewHold {
        id: format!("h-{by}"),
        by: by.to_owned(),
        mode: Mode::Offline,
        until: (lease > 0).then(|| at(lease)),
        is_leased: lease > 0,
        eta: None,
        reason: Some(format!("the job of {by}")),
        note: None,
        suspend: Vec::new(),
    }
}

fn is_open(draft: &Draft, now: Time) -> bool {
    draft.read().unwrap().at(now).mode() == Mode::Online
}

#[test]
fn the_site_opens_when_the_last_hold_ends() {
    let mut draft = draft(json!({}));
    let (one, two) = (hold("one", 0), hold("two", 0));
    one.take(&mut draft, at(0)).unwrap();
    two.take(&mut draft, at(1)).unwrap();
    one.take(&mut draft, at(2)).unwrap();
    assert_eq!(draft.read().unwrap().windows.len(), 2, "a repeated edit adds the hold once");
    one.release(&mut draft, at(3)).unwrap();
    assert!(!is_open(&draft, at(3)));
    one.release(&mut draft, at(4)).unwrap();
    two.release(&mut draft, at(5)).unwrap();
    assert!(is_open(&draft, at(5)));
    let past = draft.read().unwrap().past;
    let past: Vec<_> = past.iter().map(|past| (past.by.as_deref(), past.from, past.until)).collect();
    assert_eq!(past, [(Some("one"), at(0), at(3)), (Some("two"), at(1), at(5))]);
}

#[test]
fn releasing_a_hold_does_not_open_a_site_that_something_else_closes() {
    let own = json!({"mode": "read_only", "reason": "by hand", "by": "alice"});
    let window = json!({"windows": [{"id": "w1", "mode": "offline", "from": NOW, "until": "2026-11-21T03:00:00Z"}]});
    for (row, before, mode) in [("by hand", own, Mode::ReadOnly), ("a window", window, Mode::Offline)] {
        let before = draft(before);
        let mut draft = before.clone();
        hold("ci", 0).take(&mut draft, at(0)).unwrap();
        hold("ci", 0).release(&mut draft, at(1)).unwrap();
        assert_eq!(draft.read().unwrap().at(at(1)).mode(), mode, "{row}");
        draft.set("past", None::<Value>);
        assert_eq!(draft, before, "{row}: nothing else has changed");
    }
}

#[test]
fn the_note_of_a_hold_ends_with_it() {
    for (given, note, left) in [
        (json!({}), Some("mine"), None),
        (json!({"note": "theirs"}), None, Some("theirs")),
        (json!({"note": "theirs", "mode": "offline"}), None, Some("theirs")),
    ] {
        let mut draft = draft(given.clone());
        let hold = NewHold { note: note.map(str::to_owned), ..hold("ci", 0) };
        hold.take(&mut draft, at(0)).unwrap();
        hold.release(&mut draft, at(1)).unwrap();
        assert_eq!(draft.read().unwrap().note.as_deref(), left, "{given}");
    }
}

#[test]
fn a_lost_hold_is_taken_again_unless_an_operator_has_removed_it() {
    let first = hold("ci", 60);
    let next = NewHold { until: Some(at(120)), ..first.clone() };
    let mut held = draft(json!({}));
    first.take(&mut held, at(0)).unwrap();
    let seen = seen(&held, &first.id).unwrap().unwrap();
    let mut tidied = held.clone();
    tidied.tidy(at(70)).unwrap();
    let mut opened = held.clone();
    opened.end_all(at(30)).unwrap();
    let mut behind = held.clone();
    behind.end_all(at(-5)).unwrap();
    let mut restarted = draft(json!({}));
    hold("other", 0).take(&mut restarted, at(10)).unwrap();
    hold("other", 0).release(&mut restarted, at(11)).unwrap();
    let mut early = held.clone();
    early.cancel_window(&first.id, at(59)).unwrap();
    for (row, document, now, state) in [
        ("in effect", held.clone(), at(40), HoldState::Live),
        ("its lease has expired", held, at(70), HoldState::Ended),
        ("its lease has expired, and another change has moved it into the history", tidied, at(70), HoldState::Ended),
        ("Envoy has restarted", draft(json!({})), at(40), HoldState::Forgotten),
        ("Envoy has restarted, and another command has run", restarted, at(40), HoldState::Forgotten),
        ("opened by a machine whose clock is behind", behind, at(40), HoldState::Removed),
        ("opened", opened, at(40), HoldState::Removed),
        ("cancelled before its end", early, at(70), HoldState::Removed),
    ] {
        let mut document = document;
        assert_eq!(next.renew(&mut document, &seen, now).unwrap(), state, "{row}");
        let until = document.read().unwrap().windows.first().map(|hold| hold.until);
        let expected = (state != HoldState::Removed).then_some(Some(at(120)));
        assert_eq!(until, expected, "{row}");
    }
}

#[test]
fn a_lost_hold_without_a_lease_is_taken_again_until_its_fixed_end() {
    let fixed = NewHold { is_leased: false, ..hold("ci", 60) };
    let endless = NewHold { until: None, ..fixed.clone() };
    for (row, hold, now, state, is_held) in [
        ("no end", &endless, 40, HoldState::Forgotten, true),
        ("a fixed end", &fixed, 40, HoldState::Forgotten, true),
        ("a fixed end that has passed", &fixed, 70, HoldState::Ended, false),
    ] {
        let mut restarted = draft(json!({}));
        let seen = SeenHold { from: at(0), until: hold.until };
        assert_eq!(hold.renew(&mut restarted, &seen, at(now)).unwrap(), state, "{row}");
        assert_eq!(!restarted.read().unwrap().windows.is_empty(), is_held, "{row}");
    }
}

#[test]
fn a_failed_command_leaves_the_site_closed_by_hand() {
    let window = json!([{
        "id": "h-ci", "mode": "offline", "from": NOW, "until": at(60).to_string(), "by": "ci", "reason": "the job of ci",
        "suspend": ["staff"]
    }]);
    let own = |mode: &str, until: i64| {
        json!({"mode": mode, "since": "2026-11-21T01:00:00Z", "until": at(until).to_string(), "reason": "by hand",
               "suspend": ["bots"], "windows": window})
    };
    let (leased, fixed) = (hold("ci", 60), NewHold { is_leased: false, ..hold("ci", 60) });
    let alone = json!({"windows": window});
    let closed = |until: Option<i64>| {
        let mut members = json!({"mode": "offline", "since": NOW, "reason": "the job of ci", "suspend": ["staff"]});
        if let Some(until) = until {
            members["until"] = at(until).to_string().into();
        }
        members
    };
    let past = |reason: &str| json!([{"mode": "offline", "from": NOW, "until": at(60).to_string(), "by": "ci", "reason": reason}]);
    let removed = json!([{"mode": "offline", "from": NOW, "until": at(20).to_string(), "by": "ci"}]);
    for (row, hold, before, now, after) in [
        ("a lease", &leased, alone.clone(), 30, closed(None)),
        ("a fixed end", &fixed, alone.clone(), 30, closed(Some(60))),
        (
            "a lease that has just expired",
            &NewHold { until: Some(at(130)), ..leased.clone() },
            alone.clone(),
            70,
            json!({"mode": "offline", "since": NOW, "reason": "the job of ci", "past": past("the job of ci")}),
        ),
        (
            "a fixed end that has passed",
            &fixed,
            json!({"past": past("r")}),
            70,
            json!({"mode": "online", "past": past("r")}),
        ),
        ("removed by an operator", &leased, json!({"past": removed}), 30, json!({"mode": "online", "past": removed})),
        (
            "closed by hand too, until later",
            &leased,
            own("read_only", 90),
            30,
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "by hand", "suspend": ["bots", "staff"]}),
        ),
        (
            "closed by hand too, and a fixed end",
            &fixed,
            own("offline", 90),
            30,
            json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "reason": "by hand", "suspend": ["bots", "staff"],
                   "until": at(90).to_string()}),
        ),
    ] {
        assert_kept_closed(row, hold, before, now, &after);
    }
}

/// Asserts the members of a document after the command of `hold` has failed at the minute `now`.
fn assert_kept_closed(row: &str, hold: &NewHold, before: Value, now: i64, after: &Value) {
    let seen = SeenHold { from: at(0), until: Some(at(60)) };
    let mut draft = draft(before);
    hold.keep_closed(&mut draft, &seen, at(now)).unwrap();
    let mut members = draft.members().clone();
    for name in ["site", "fleet", "revision"] {
        members.remove(name);
    }
    assert_eq!(Value::Object(members), *after, "{row}");
    // A repeated edit changes nothing.
    let once = draft.clone();
    hold.keep_closed(&mut draft, &seen, at(now)).unwrap();
    assert_eq!(draft, once, "{row}");
}

#[test]
fn too_many_holds_for_one_document_are_an_error() {
    let mut draft = draft(json!({}));
    let error = (0..100).find_map(|number| {
        let hold = NewHold { reason: Some("x".repeat(200)), ..hold(&format!("job{number}"), 0) };
        hold.take(&mut draft, at(number)).and_then(|()| draft.read().map(drop)).err()
    });
    let text = "shop: the document would be longer than 8 KiB; cancel windows or shorten reasons";
    assert_eq!(error.unwrap().to_string(), text);
}
