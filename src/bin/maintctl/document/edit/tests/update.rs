//! The edit of `update`.

use super::*;

#[test]
fn update_changes_the_details_of_what_closes_the_site_and_never_its_mode() {
    let reason = || Details { reason: Some("x".to_owned()), note: Some("n".to_owned()), ..Details::default() };
    let until = || Details { until: Some(time("2026-11-21T06:00:00Z")), ..Details::default() };
    let window = |more: Value| {
        let mut window = json!({"id": "w1", "mode": "offline", "from": "2026-11-21T01:00:00Z"});
        window.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        window
    };
    for (row, before, details, after) in [
        (
            "its own mode",
            json!({"mode": "read_only", "since": "2026-11-21T01:00:00Z", "eta": "2026-11-21T03:00:00Z"}),
            reason(),
            json!({
                "mode": "read_only", "since": "2026-11-21T01:00:00Z", "eta": "2026-11-21T03:00:00Z", "reason": "x",
                "note": "n"
            }),
        ),
        (
            "cleared fields",
            json!({"mode": "offline", "until": "2026-11-21T03:00:00Z", "suspend": ["staff"], "reason": "r"}),
            Details { cleared: vec!["until", "suspend"], reason: Some(String::new()), ..Details::default() },
            json!({"mode": "offline"}),
        ),
        (
            "a window",
            json!({"windows": [window(json!({}))]}),
            until(),
            json!({"mode": "online", "windows": [window(json!({"until": "2026-11-21T06:00:00Z"}))]}),
        ),
        (
            "a stricter window",
            json!({"mode": "read_only", "windows": [window(json!({}))]}),
            reason(),
            json!({"mode": "read_only", "note": "n", "windows": [window(json!({"reason": "x"}))]}),
        ),
        (
            "a hold",
            json!({"windows": [hold(json!({"reason": "r"}))]}),
            reason(),
            json!({"mode": "online", "note": "n", "windows": [hold(json!({"reason": "x"}))]}),
        ),
        (
            "a window before a hold",
            json!({"windows": [hold(json!({})), window(json!({}))]}),
            until(),
            json!({"mode": "online", "windows": [hold(json!({})), window(json!({"until": "2026-11-21T06:00:00Z"}))]}),
        ),
    ] {
        let mut draft = draft(before);
        update(&mut draft, "shop", &details, time(NOW)).unwrap();
        assert_eq!(rest(&draft), after, "{row}");
    }
}

#[test]
fn update_rejects_an_online_site_and_the_end_of_a_hold() {
    let until = Details { until: Some(time("2026-11-21T06:00:00Z")), ..Details::default() };
    let planned = json!({"windows": [{"id": "w1", "mode": "offline", "from": "2026-11-22T01:00:00Z"}]});
    let over = json!({"mode": "offline", "until": "2026-11-21T01:00:00Z"});
    let online = "shop is online, so there is nothing to update; nothing changed";
    for (row, before, message) in [
        ("online", json!({}), online),
        ("a window in the future", planned, online),
        ("an end that has passed", over, online),
        (
            "a hold",
            json!({"windows": [hold(json!({}))]}),
            "shop is closed by the hold h1 of ci, which ends with a running command",
        ),
    ] {
        let error = update(&mut draft(before), "shop", &until, time(NOW)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{row}: {error}");
    }
}
