use super::*;

const NOW: Time = Time(0);

/// The document with the digest `b`.
fn expected(revision: u64, mode: &str) -> ExpectedDocument {
    let text = format!(r#"{{"site": "shop", "fleet": "f", "revision": {revision}, "mode": "{mode}"}}"#);
    let document = Document::from_payload(text.as_bytes()).unwrap();
    ExpectedDocument { site: "shop".to_owned(), revision, digest: "b".to_owned(), document, is_declared: false }
}

#[test]
fn an_envoy_has_adopted_if_all_workers_have_this_document_or_a_newer_one() {
    for (site, result) in [
        (r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, Ok(&[][..])),
        (
            r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 3}"#,
            Err("shop: 3/4 workers have adopted it"),
        ),
        (
            r#""digest": "b", "revision": 5, "workers": {"members": 0, "adopted": 0}"#,
            Err("shop: 0/0 workers have adopted it"),
        ),
        (
            r#""digest": "a", "revision": 4, "workers": {"members": 4, "adopted": 4}"#,
            Err("shop: still online, by another document"),
        ),
        (
            r#""digest": "a", "revision": 5, "workers": {"members": 4, "adopted": 4}"#,
            Err("shop: still online, by another document"),
        ),
        (r#""digest": "c", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, Ok(&["shop"])),
        (r#""digest": "a", "revision": 6, "workers": {"members": 4, "adopted": 4}"#, Ok(&["shop"])),
        (
            r#""digest": "a", "revision": 6, "workers": {"members": 4, "adopted": 3}"#,
            Err("shop: 3/4 workers have adopted it"),
        ),
        (r#""digest": null"#, Err("shop: still online, by another document")),
    ] {
        let text = format!(r#"{{"envoy": "n/0", "sites": [{{"site": "shop", "mode": "online", {site}}}]}}"#);
        let status: EnvoyStatus = serde_json::from_str(&text).unwrap();
        let found = replaced(&status, &[expected(5, "online")], NOW);
        let result = result.map(|sites| sites.iter().map(ToString::to_string).collect()).map_err(str::to_owned);
        assert_eq!(found, result, "{text}");
    }
}

#[test]
fn no_pushed_document_replaces_one_that_a_file_declares() {
    let declared = ExpectedDocument { is_declared: true, ..expected(5, "online") };
    let adopted = r#""digest": "a", "revision": 6, "workers": {"members": 4, "adopted": 4}"#;
    for (channel, result) in
        [("policy", Ok(vec!["shop".to_owned()])), ("push", Err("shop: still offline, by another document".to_owned()))]
    {
        let site = format!(r#"{{"site": "shop", "mode": "offline", "channel": "{channel}", {adopted}}}"#);
        let status: EnvoyStatus = serde_json::from_str(&format!(r#"{{"envoy": "n/0", "sites": [{site}]}}"#)).unwrap();
        assert_eq!(replaced(&status, std::slice::from_ref(&declared), NOW), result, "{channel}");
    }
}

#[test]
fn a_site_that_an_envoy_lacks_is_named() {
    let text = r#"{"envoy": "n/0", "sites": [{"site": "api", "mode": "online"}]}"#;
    let status: EnvoyStatus = serde_json::from_str(text).unwrap();
    let error = "has no site \"shop\"; add it to the policy there".to_owned();
    assert_eq!(replaced(&status, &[expected(5, "online")], NOW), Err(error));
}

#[test]
fn an_envoy_whose_clock_gives_the_document_another_mode_has_not_adopted_it() {
    let text = r#"{"envoy": "n/0", "time": "1970-01-01T01:00:00Z", "sites": [{"site": "shop", "mode": "online",
        "digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}}]}"#;
    let status: EnvoyStatus = serde_json::from_str(text).unwrap();
    let error = "shop: online instead of offline, because its clock says 1970-01-01T01:00:00Z and this machine's \
                 1970-01-01T00:00:00Z; correct the clock that is wrong";
    assert_eq!(replaced(&status, &[expected(5, "offline")], NOW), Err(error.to_owned()));
    // The mode of a newer document does not matter.
    let status: EnvoyStatus = serde_json::from_str(&text.replace("\"b\"", "\"c\"")).unwrap();
    assert_eq!(replaced(&status, &[expected(4, "offline")], NOW), Ok(vec!["shop".to_owned()]));
}
