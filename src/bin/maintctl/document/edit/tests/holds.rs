//! Edits of sites that running commands hold.

use super::*;

#[test]
fn close_by_hand_leaves_holds_alone() {
    let held = json!({"windows": [hold(json!({}))]});
    let later = json!({"id": "w1", "mode": "offline", "from": "2026-11-21T01:30:00Z", "until": "2026-11-21T05:00:00Z"});
    let until = Details { until: Some(time("2026-11-21T03:00:00Z")), ..Details::default() };
    check_close([
        (
            "a site that only a hold closes",
            held.clone(),
            flags(),
            json!({"mode": "offline", "since": NOW, "windows": [hold(json!({}))]}),
        ),
        (
            "an end before that of the hold",
            held.clone(),
            (Mode::Offline, until.clone()),
            json!({"mode": "offline", "since": NOW, "until": "2026-11-21T03:00:00Z", "windows": [hold(json!({}))]}),
        ),
        (
            "a stricter hold",
            held,
            (Mode::ReadOnly, Details::default()),
            json!({"mode": "read_only", "since": NOW, "windows": [hold(json!({}))]}),
        ),
        (
            "a hold and a window that contradicts",
            json!({"windows": [hold(json!({})), later]}),
            (Mode::Offline, until),
            json!({
                "mode": "offline", "since": "2026-11-21T01:30:00Z", "until": "2026-11-21T03:00:00Z",
                "windows": [hold(json!({}))]
            }),
        ),
    ]);
}

#[test]
fn open_ends_every_hold() {
    let ahead = hold(json!({"id": "h2", "by": "other", "from": "2026-11-21T02:00:05Z"}));
    let mut draft =
        draft(json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "windows": [hold(json!({})), ahead]}));
    open(&mut draft, time(NOW)).unwrap();
    let document = draft.read().unwrap();
    assert_eq!((document.at(time(NOW)).mode(), document.windows.len()), (Mode::Online, 0));
    let owners: Vec<Option<&str>> = document.past.iter().map(|past| past.by.as_deref()).collect();
    assert_eq!(owners, [Some("ci"), Some("other"), None]);
}

#[test]
fn a_change_of_windows_keeps_the_author_of_a_closed_site() {
    let own = json!({"mode": "offline", "since": "2026-11-21T01:00:00Z", "by": "alice"});
    type WindowChange = fn(&mut Draft);
    for (row, before, change, by) in [
        ("a window", own.clone(), (|draft| draft.add_window(hold(json!({})))) as WindowChange, "alice"),
        ("another reason", own.clone(), |draft| draft.set("reason", Some("r")), "bob"),
        ("opened", own, |draft| open(draft, time(NOW)).unwrap(), "bob"),
        ("a window of an open site", json!({"by": "alice"}), |draft| draft.add_window(hold(json!({}))), "bob"),
        ("an author that the change sets", json!({"by": "alice"}), |draft| draft.set("by", Some("carol")), "carol"),
    ] {
        let before = draft(before);
        let mut after = before.clone();
        change(&mut after);
        after.stamp(&before, time(NOW), "bob");
        assert_eq!(after.read().unwrap().by.as_deref(), Some(by), "{row}");
    }
}
