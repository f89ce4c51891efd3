use super::*;
use serde_json::{Value, json};

fn document(members: Value) -> Document {
    let mut whole = json!({ "site": "shop", "fleet": "demo", "revision": 1, "mode": "online" });
    let members = members.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(members);
    Document::from_payload(whole.to_string().as_bytes()).unwrap()
}

#[test]
fn documents_that_are_probably_mistakes_get_warnings() {
    let now: Zoned = "2026-11-21T02:00:00Z[UTC]".parse().unwrap();
    let window =
        |id: &str, from: &str, until: &str| json!({ "id": id, "mode": "offline", "from": from, "until": until });
    let hold = json!({ "id": "h1", "mode": "offline", "from": "2026-11-22T02:30:00Z", "by": "ci" });
    for (members, expected) in [
        (json!({ "mode": "offline", "eta": "2026-11-21T03:00:00Z", "until": "2026-11-21T03:00:00Z" }), None),
        (
            json!({ "mode": "offline", "eta": "2026-11-21T03:30:00Z", "until": "2026-11-21T03:00:00Z" }),
            Some("visitors see --eta 03:30, but the site opens earlier, at 03:00"),
        ),
        (json!({ "mode": "offline", "until": "2027-11-21T02:00:00Z" }), None),
        (
            json!({ "mode": "offline", "until": "2027-11-23T02:00:00Z" }),
            Some("the site opens in more than a year, at 2027-11-23 02:00; is the end correct?"),
        ),
        (json!({ "windows": [window("w1", "2026-11-22T02:00:00Z", "2026-11-22T14:00:00Z")] }), None),
        (
            json!({ "windows": [window("w1", "2026-11-22T02:00:00Z", "2026-11-23T03:00:00Z")] }),
            Some("window w1 is 25 hours long; are its date and its end correct?"),
        ),
        (
            json!({ "windows": [
                window("w1", "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z"),
                window("w2", "2026-11-22T03:00:00Z", "2026-11-22T04:00:00Z"),
                hold,
            ] }),
            None,
        ),
        (
            json!({ "windows": [
                window("w1", "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z"),
                window("w2", "2026-11-22T02:30:00Z", "2026-11-22T04:00:00Z"),
            ] }),
            Some(
                "two windows overlap: OFFLINE from 2026-11-22 02:00 until 2026-11-22 03:00 (w1) and OFFLINE from \
                 2026-11-22 02:30 until 2026-11-22 04:00 (w2)",
            ),
        ),
    ] {
        let (before, after) = (document(json!({})), document(members.clone()));
        assert_eq!(of(&before, &after, &now), expected.into_iter().collect::<Vec<_>>(), "{members}");
        assert_eq!(of(&after, &after, &now), Vec::<String>::new(), "{members}");
    }
}
