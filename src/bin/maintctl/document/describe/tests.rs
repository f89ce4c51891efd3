use super::*;
use serde_json::{Value, json};

fn document(members: Value) -> Document {
    let mut whole = json!({"site": "shop", "fleet": "demo", "revision": 1, "mode": "online"});
    whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Document::from_payload(whole.to_string().as_bytes()).unwrap()
}

#[test]
fn a_changed_site_is_described_with_new_and_old_values() {
    let now: Zoned = "2026-11-21T02:00:00Z[UTC]".parse().unwrap();
    let open = json!({});
    let offline = json!({"mode": "offline"});
    let until_three = json!({"mode": "offline", "until": "2026-11-21T03:00:00Z"});
    let until_half_past = json!({"mode": "offline", "until": "2026-11-21T03:30:00Z"});
    let w1 = json!({"windows": [{"id": "w1", "mode": "offline", "from": "2026-11-21T04:00:00Z"}]});
    for (before, after, expected) in [
        (&open, &offline, "OFFLINE"),
        (&open, &until_three, "OFFLINE, until 03:00"),
        (&until_three, &until_half_past, "OFFLINE, until 03:30 (was 03:00)"),
        (&offline, &until_half_past, "OFFLINE, until 03:30 (was none)"),
        (&until_three, &offline, "OFFLINE, until none (was 03:00)"),
        (&offline, &json!({"mode": "read_only"}), "READ_ONLY (was OFFLINE)"),
        (&offline, &json!({"mode": "offline", "reason": "A"}), "OFFLINE, reason \"A\" (was none)"),
        (
            &until_three,
            &json!({"mode": "offline", "until": "2026-11-21T03:00:00Z", "suspend": ["staff", "office"]}),
            "OFFLINE, until 03:00, suspended staff, office (was none)",
        ),
        (&open, &json!({"mode": "offline", "eta": "2026-11-21T02:20:00Z"}), "OFFLINE, eta 02:20"),
        (&offline, &open, "ONLINE"),
        (&offline, &w1, "ONLINE; next: OFFLINE from 04:00 until it is opened (w1)"),
    ] {
        let text = changed_text(&document(before.clone()), &document(after.clone()), &now);
        assert_eq!(text, expected, "{before} {after}");
    }
}
