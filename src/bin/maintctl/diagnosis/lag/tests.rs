use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

fn now() -> Zoned {
    "2026-11-21T03:00:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC)
}

/// The text of the cause for a status with these members, and whether `maintctl sync` is the remedy.
fn text(members: &str, digest: Option<&str>, origin: Origin<'_>) -> (String, bool) {
    let text = format!(r#"{{"envoy": "edge/1", "fleet": "demo", "time": "2026-11-21T03:00:00Z", {members}}}"#);
    let status: EnvoyStatus = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let cause = cause(&status, "shop", &Wanted { digest, origin }, &now());
    (cause.text(), cause.remedy == Remedy::Sync)
}

#[test]
fn each_cause_has_the_remedy_that_helps() {
    const FULL: &str = r#""workers": {"members": 2, "adopted": 2}"#;
    const HALF: &str = r#""workers": {"members": 2, "adopted": 1}"#;
    let (push, policy, file) = (Origin::Push, Origin::Policy("edge/2"), Origin::File(Path::new("ecds.yaml")));
    let site = |members: &str| format!(r#""sites": [{{"site": "shop", "mode": "online", {members}}}]"#);
    let plugins =
        |members: &str| format!(r#", "plugins": [{{"name": "data", "fleet": "demo", "sites": ["shop"]{members}}}]"#);
    let refused = plugins(r#", "refused": "sits: unknown field""#);
    let two = r#", "plugins": [{"name": "a", "fleet": "demo", "sites": ["shop"]}, {"name": "b", "fleet": "demo", "sites": ["shop"]}]"#;
    let started = r#", "started": "2026-11-21T02:10:00Z""#;
    let just_started = r#", "started": "2026-11-21T02:59:58Z""#;
    for (members, digest, origin, expected, is_sync) in [
        (
            site(&format!(r#""digest": null, {FULL}"#)),
            Some("b"),
            push,
            "ONLINE, has no document, probably since a restart",
            true,
        ),
        (
            site(&format!(r#""digest": null, {FULL}"#)) + started,
            Some("b"),
            push,
            "ONLINE, has no document since its start at 02:10",
            true,
        ),
        (site(&format!(r#""digest": "a", {FULL}"#)), Some("b"), push, "ONLINE, has another document", true),
        (
            site(&format!(r#""digest": null, {FULL}"#)),
            Some("b"),
            policy,
            "ONLINE, the policy of edge/2 declares the state (`state.shop`), and the policy there does not; give every Envoy the \
             same policy",
            false,
        ),
        (
            site(&format!(r#""digest": "a", "declared": true, {FULL}"#)),
            Some("b"),
            push,
            "ONLINE, declared by the policy there (`state.shop`); change or remove the entry where the policy is kept",
            false,
        ),
        (
            site(&format!(r#""digest": "b", {HALF}"#)),
            Some("b"),
            push,
            "ONLINE, 1/2 workers have adopted it; a worker is busy, stuck or starting: run `maintctl status` again, and read the \
             log of Envoy if it stays so",
            false,
        ),
        (
            site(&format!(r#""digest": "b", {HALF}"#)) + just_started,
            Some("b"),
            push,
            "ONLINE, 1/2 workers have adopted it: Envoy started less than 15 s ago; run `maintctl status` again",
            false,
        ),
        (
            site(&format!(r#""digest": "b", "lacks_key": ["api"], {HALF}"#)),
            Some("b"),
            push,
            "ONLINE, 1/2 workers have adopted it: plugin \"api\" cannot verify the document; add the JWK that `maintctl init` \
             prints to `keys` of its policy",
            false,
        ),
        (
            site(&format!(r#""digest": "b", "declared": true, {HALF}"#)) + two,
            Some("b"),
            policy,
            "ONLINE, 1/2 workers have adopted it: plugins \"a\", \"b\" have the site, and not all of them declare this state; give \
             all of them the same `state.shop`",
            false,
        ),
        (
            site(&format!(r#""digest": "a", {FULL}"#)) + &refused,
            Some("b"),
            file,
            "ONLINE, a newer policy of plugin \"data\" was refused: sits: unknown field; correct the policy; `maintctl lint` \
             checks it",
            false,
        ),
        (
            site(&format!(r#""digest": "a", {FULL}"#)),
            None,
            file,
            "ONLINE, by a pushed document, and ecds.yaml has no state of the site; change it with `maintctl open shop` or \
             `maintctl close shop`, which write the file",
            false,
        ),
        (
            site(&format!(r#""digest": "b", {FULL}"#)),
            Some("b"),
            push,
            "ONLINE, its clock says 2026-11-21T03:00:00Z; correct the clock that is wrong",
            false,
        ),
        (
            r#""sites": []"#.to_owned() + &plugins("").replace("shop", "api"),
            Some("b"),
            push,
            "has no site \"shop\": no plugin",
            false,
        ),
        (
            r#""sites": [{"site": "api", "mode": "online"}]"#.to_owned(),
            Some("b"),
            push,
            "has no site \"shop\"; add it to the policy there",
            false,
        ),
        (
            r#""sites": [{"site": "api", "mode": "online"}]"#.to_owned(),
            Some("b"),
            file,
            "has no site \"shop\"; its policy is older; the next change or `maintctl apply` writes the edited policy to the file",
            false,
        ),
        (
            r#""sites": [{"site": "api", "mode": "online"}], "plugins": [{"name": "data", "fleet": "test"}]"#
                .to_owned(),
            Some("b"),
            push,
            "has no site \"shop\": plugin \"data\" has the fleet \"test\", and the control listener has \"demo\", which does not \
             show its sites; give both policies the same `fleet`",
            false,
        ),
        (
            r#""sites": [], "plugins": [{"name": "data", "refused": "sits: unknown field"}]"#.to_owned(),
            Some("b"),
            file,
            "has no site \"shop\", because the first policy of plugin \"data\" was refused: sits: unknown field; correct the \
             policy; `maintctl lint` checks it",
            false,
        ),
    ] {
        let (text, is_sync_here) = text(&members, digest, origin);
        assert!(text.starts_with(expected), "{members}: {text}");
        assert_eq!(is_sync_here, is_sync, "{members}: {text}");
    }
}
