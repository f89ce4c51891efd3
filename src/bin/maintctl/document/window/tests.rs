use super::*;
use crate::document::tests::time;

const NOW: &str = "2026-11-21T02:00:00Z";

#[test]
fn windows_get_the_first_free_id_and_can_be_cancelled() {
    let plan = |from: &str| NewWindow {
        mode: Mode::Offline,
        from: time(from),
        until: None,
        eta: None,
        reason: None,
        note: None,
        suspend: Vec::new(),
    };
    let mut draft = Draft::new("shop", Some("demo"));
    for from in ["2026-11-22T01:00:00Z", "2026-11-23T01:00:00Z", "2026-11-24T01:00:00Z"] {
        schedule(&mut draft, &plan(from), time(NOW)).unwrap();
    }
    cancel(&mut draft, "shop", Some(&["w2".to_owned()]), time(NOW)).unwrap();
    schedule(&mut draft, &plan("2026-11-25T01:00:00Z"), time(NOW)).unwrap();
    let ids = |draft: &Draft| draft.read().unwrap().windows.into_iter().map(|window| window.id).collect::<Vec<_>>();
    assert_eq!(ids(&draft), ["w1", "w3", "w2"]);
    let error = cancel(&mut draft.clone(), "shop", Some(&["w9".to_owned()]), time(NOW)).unwrap_err();
    assert!(error.to_string().starts_with("shop: unknown window \"w9\"; did you mean \"w"), "{error}");
    cancel(&mut draft, "shop", None, time("2026-11-22T03:00:00Z")).unwrap();
    assert_eq!(ids(&draft), [""; 0]);
    assert_eq!(draft.read().unwrap().past.len(), 1, "only the active window moves into the history");
}

#[test]
fn cancelling_all_windows_leaves_holds_which_can_be_cancelled_by_name() {
    let hold = serde_json::json!({"id": "h1", "mode": "offline", "from": NOW, "by": "ci"});
    let window = serde_json::json!({"id": "w1", "mode": "offline", "from": "2026-11-22T01:00:00Z"});
    let mut draft = Draft::new("shop", Some("demo"));
    draft.add_window(hold);
    draft.add_window(window);
    let ids = |draft: &Draft| draft.read().unwrap().windows.into_iter().map(|window| window.id).collect::<Vec<_>>();
    cancel(&mut draft, "shop", None, time(NOW)).unwrap();
    assert_eq!(ids(&draft), ["h1"]);
    cancel(&mut draft, "shop", Some(&["h1".to_owned()]), time(NOW)).unwrap();
    assert_eq!(ids(&draft), [""; 0]);
}
