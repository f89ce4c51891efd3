use serde_json::json;

use super::*;

#[test]
fn a_document_is_sent_again_as_it_is_only_while_every_envoy_accepts_it() {
    const NOW: i64 = 1_795_204_262_751;
    const MINUTE: i64 = 60_000;
    for (revision, iat, young) in [
        (NOW - 3 * MINUTE, None, true),
        (NOW - 5 * MINUTE, None, false),
        (NOW + 5 * MINUTE, None, false),
        (NOW - 60 * MINUTE, Some(NOW - 3 * MINUTE), true),
        (NOW - MINUTE, Some(NOW - 5 * MINUTE), false),
        // An Envoy that has no document does not take one of tomorrow.
        (NOW + 1440 * MINUTE, Some(NOW), false),
    ] {
        let mut members = json!({ "site": "shop", "fleet": "f", "revision": revision, "mode": "online" });
        if let Some(iat) = iat {
            members["iat"] = (iat / 1000).into();
        }
        let draft = Draft::from_members("shop", members.as_object().unwrap().clone());
        assert_eq!(is_young(&draft, Time(NOW)), young, "{revision} {iat:?}");
    }
}
