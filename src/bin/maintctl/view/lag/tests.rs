use super::*;

#[test]
fn the_advice_to_repeat_a_change_is_given_only_where_it_helps() {
    let key =
        "plugin \"api\" cannot verify the document; add the JWK that `maintctl init` prints to `keys` of its policy";
    let declared =
        "ONLINE, declared by the policy there (`state.shop`); change or remove the entry where the policy is kept";
    let no_key = format!("ONLINE, 1/2 workers have adopted it: {key}");
    let full = r#""workers": {"members": 2, "adopted": 2}"#;
    let half = r#""workers": {"members": 2, "adopted": 1}"#;
    for (site, expected) in [
        (format!(r#""digest": null, {full}"#), ("ONLINE, has no document, probably since a restart", true)),
        (format!(r#""digest": "a", {full}"#), ("ONLINE, has another document", true)),
        (format!(r#""digest": "a", "declared": true, {full}"#), (declared, false)),
        (format!(r#""digest": "b", {half}"#), ("ONLINE, 1/2 workers have adopted it", false)),
        (format!(r#""digest": "b", "lacks_key": ["api"], {half}"#), (&no_key, false)),
        (
            format!(r#""digest": "b", {full}"#),
            ("ONLINE, because its clock says T; correct the clock that is wrong", false),
        ),
    ] {
        let text = format!(r#"{{"site": "shop", "mode": "online", {site}}}"#);
        let status: EnvoySite = serde_json::from_str(&text).unwrap();
        let (text, can_be_updated) = reason(&status, "T", Some("b"), false);
        assert_eq!((text.as_str(), can_be_updated), expected, "{site}");
    }
}
