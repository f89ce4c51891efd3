use super::*;

#[test]
fn an_envoy_follows_with_all_its_workers_and_this_document_or_a_newer_one() {
    let followed =
        |overtaken: &[&str]| Step::Followed { overtaken: overtaken.iter().map(|site| (*site).to_owned()).collect() };
    let behind = |why: &str| Step::Behind(why.to_owned());
    for (site, revision, expected) in [
        (r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&[])),
        (
            r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 3}"#,
            5,
            behind("shop: 3/4 workers follow"),
        ),
        (
            r#""digest": "b", "revision": 5, "workers": {"members": 0, "adopted": 0}"#,
            5,
            behind("shop: 0/0 workers follow"),
        ),
        (
            r#""digest": "a", "revision": 4, "workers": {"members": 4, "adopted": 4}"#,
            5,
            behind("shop: still online, by another document"),
        ),
        (
            r#""digest": "a", "revision": 5, "workers": {"members": 4, "adopted": 4}"#,
            5,
            behind("shop: still online, by another document"),
        ),
        (r#""digest": "c", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&["shop"])),
        (r#""digest": "a", "revision": 6, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&["shop"])),
        (r#""digest": null"#, 5, behind("shop: still online, by another document")),
    ] {
        let text = format!(r#"{{"envoy": "n/0", "sites": [{{"site": "shop", "mode": "online", {site}}}]}}"#);
        let status: EnvoyStatus = serde_json::from_str(&text).unwrap();
        assert_eq!(step(&status, &[wanted(revision, "online")], NOW), expected, "{text}");
    }
}

#[test]
fn a_site_that_an_envoy_lacks_is_named() {
    let status: EnvoyStatus = serde_json::from_str(r#"{"envoy": "n/0", "sites": []}"#).unwrap();
    let expected = Step::Behind("has no site \"shop\"".to_owned());
    assert_eq!(step(&status, &[wanted(5, "online")], NOW), expected);
}

#[test]
fn what_an_envoy_makes_of_the_document_by_its_clock_is_what_it_means_by_this_one() {
    let text = r#"{"envoy": "n/0", "time": "1970-01-01T01:00:00Z", "sites": [{"site": "shop", "mode": "online",
        "digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}}]}"#;
    let status: EnvoyStatus = serde_json::from_str(text).unwrap();
    let expected = "shop: online and not offline, as its clock says 1970-01-01T01:00:00Z and this machine's \
                    1970-01-01T00:00:00Z: set the wrong one right";
    assert_eq!(step(&status, &[wanted(5, "offline")], NOW), Step::Behind(expected.to_owned()));
    // What has come since is not this change's.
    let status: EnvoyStatus = serde_json::from_str(&text.replace("\"b\"", "\"c\"")).unwrap();
    assert_eq!(step(&status, &[wanted(4, "offline")], NOW), Step::Followed { overtaken: vec!["shop".to_owned()] });
}

const NOW: Time = Time(0);

/// The document `b` in this mode.
fn wanted(revision: u64, mode: &str) -> ExpectedDocument {
    let text = format!(r#"{{"site": "shop", "fleet": "f", "revision": {revision}, "mode": "{mode}"}}"#);
    let document = Document::from_payload(text.as_bytes()).unwrap();
    ExpectedDocument { site: "shop".to_owned(), revision, digest: "b".to_owned(), document }
}
