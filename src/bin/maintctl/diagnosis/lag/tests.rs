use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

/// The members of a status, the digest of the wanted document, the text of the cause, and whether `maintctl sync` is the
/// remedy.
type Row = (String, Option<&'static str>, &'static str, bool);

const STARTED: &str = r#", "started": "2026-11-21T02:10:00Z""#;
const JUST_STARTED: &str = r#", "started": "2026-11-21T02:59:58Z""#;

/// Asserts the cause of each row for a document of this origin.
fn check(origin: Origin<'_>, rows: Vec<Row>) {
    let now = "2026-11-21T03:00:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
    for (members, digest, expected, is_sync) in rows {
        let text = format!(r#"{{"envoy": "edge/1", "fleet": "demo", "time": "2026-11-21T03:00:00Z", {members}}}"#);
        let status: EnvoyStatus = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let cause = cause(&status, "shop", &Wanted { digest, origin }, &now);
        assert!(cause.text().starts_with(expected), "{members}: {}", cause.text());
        assert_eq!(cause.remedy == Remedy::Sync, is_sync, "{members}");
    }
}

/// The site with this digest, of whose two workers so many have adopted.
fn site(digest: &str, adopted: u32, members: &str) -> String {
    format!(
        r#""sites": [{{"site": "shop", "mode": "online", "digest": {digest},
            "workers": {{"members": 2, "adopted": {adopted}}}{members}}}]"#
    )
}

/// Plugins of the fleet that have the shop.
fn plugins(names: &[&str], members: &str) -> String {
    let plugin = |name: &&str| format!(r#"{{"name": "{name}", "fleet": "demo", "sites": ["shop"]{members}}}"#);
    format!(r#", "plugins": [{}]"#, names.iter().map(plugin).collect::<Vec<_>>().join(", "))
}

#[test]
fn an_envoy_without_the_newest_pushed_document_needs_sync() {
    check(
        Origin::Push,
        vec![
            (site("null", 2, ""), Some("b"), "ONLINE, has no document, probably since a restart", true),
            (site("null", 2, "") + STARTED, Some("b"), "ONLINE, has no document since its start at 02:10", true),
            (site("\"a\"", 2, ""), Some("b"), "ONLINE, has another document", true),
            (
                site("\"a\"", 2, r#", "declared": true"#),
                Some("b"),
                "ONLINE, declared by the policy there (`state.shop`); change or remove the entry where the policy is kept",
                false,
            ),
        ],
    );
}

#[test]
fn workers_that_have_not_adopted_have_a_reason() {
    check(
        Origin::Push,
        vec![
            (
                site("\"b\"", 1, ""),
                Some("b"),
                "ONLINE, 1/2 workers have adopted it; a worker is busy, stuck or starting: run `maintctl status` again, and",
                false,
            ),
            (
                site("\"b\"", 1, "") + JUST_STARTED,
                Some("b"),
                "ONLINE, 1/2 workers have adopted it: Envoy started less than 15 s ago; run `maintctl status` again",
                false,
            ),
            (
                site("\"b\"", 1, r#", "lacks_key": ["api"]"#),
                Some("b"),
                "ONLINE, 1/2 workers have adopted it: plugin \"api\" cannot verify the document; add the JWK that `maintctl \
                 init` prints to `keys` of its policy",
                false,
            ),
            (
                site("\"b\"", 2, ""),
                Some("b"),
                "ONLINE, its clock says 2026-11-21T03:00:00Z; correct the clock that is wrong",
                false,
            ),
        ],
    );
}

#[test]
fn declared_state_is_never_changed_by_a_command() {
    check(
        Origin::Policy("edge/2"),
        vec![
            (
                site("null", 2, ""),
                Some("b"),
                "ONLINE, the policy of edge/2 declares the state (`state.shop`), and the policy there does not; give every \
                 Envoy the same policy",
                false,
            ),
            (
                site("\"b\"", 1, r#", "declared": true"#) + &plugins(&["a", "b"], ""),
                Some("b"),
                "ONLINE, 1/2 workers have adopted it: plugins \"a\", \"b\" have the site, and not all of them declare this \
                 state; give all of them the same `state.shop`",
                false,
            ),
        ],
    );
}

#[test]
fn an_envoy_that_differs_from_the_file_is_not_repaired_by_sync() {
    let refused = plugins(&["data"], r#", "refused": "sits: unknown field""#);
    check(
        Origin::File(Path::new("ecds.yaml")),
        vec![
            (
                site("\"a\"", 2, "") + &refused,
                Some("b"),
                "ONLINE, a newer policy of plugin \"data\" was refused: sits: unknown field; correct the policy; `maintctl \
                 lint` checks it",
                false,
            ),
            (
                site("\"a\"", 2, ""),
                None,
                "ONLINE, by a pushed document, and ecds.yaml has no state of the site; change it with `maintctl open shop` \
                 or `maintctl close shop`, which write the file",
                false,
            ),
            (
                site("\"a\"", 2, ""),
                Some("b"),
                "ONLINE, by another state than that of the file, which Envoy has not loaded; check that Envoy watches",
                false,
            ),
            (
                r#""sites": [{"site": "api", "mode": "online"}]"#.to_owned(),
                Some("b"),
                "has no site \"shop\"; its policy is older; the next change or `maintctl apply` writes the edited policy",
                false,
            ),
            (
                r#""sites": [], "plugins": [{"name": "data", "refused": "sits: unknown field"}]"#.to_owned(),
                Some("b"),
                "has no site \"shop\", because the first policy of plugin \"data\" was refused: sits: unknown field; correct",
                false,
            ),
        ],
    );
}

#[test]
fn a_site_that_an_envoy_lacks_has_a_reason() {
    const API: &str = r#""sites": [{"site": "api", "mode": "online"}]"#;
    check(
        Origin::Push,
        vec![
            (
                r#""sites": []"#.to_owned() + &plugins(&["control"], ""),
                Some("b"),
                "has no site \"shop\": no plugin",
                false,
            ),
            (API.to_owned(), Some("b"), "has no site \"shop\"; add it to the policy there", false),
            (
                format!(r#"{API}, "plugins": [{{"name": "data", "fleet": "test"}}]"#),
                Some("b"),
                "has no site \"shop\": plugin \"data\" has the fleet \"test\", and the control listener has \"demo\", which \
                 does not show its sites; give both policies the same `fleet`",
                false,
            ),
        ],
    );
}
