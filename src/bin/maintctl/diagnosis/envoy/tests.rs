use super::*;

const OWN: OwnSide<'_> = OwnSide { fleet: Some("demo"), kid: Some("k1"), pushes: true };

fn status(members: &str) -> EnvoyStatus {
    let text = format!(r#"{{"envoy": "edge/1", "fleet": "demo", "time": "2026-11-21T03:00:00Z", {members}}}"#);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const SHOP: &str = r#""sites": [{"site": "shop", "mode": "online"}]"#;
const OWN_KEY: &str = r#""keys": [{"name": "oncall", "kid": "k1", "sites": ["*"], "may": ["state"]}]"#;

#[test]
fn each_problem_of_an_envoy_has_a_remedy() {
    use Severity::{Error, Warning};
    let control = r#"{"name": "control", "fleet": "demo", "control": true}"#;
    let data = |members: &str| {
        format!(r#"{SHOP}, "plugins": [{{"name": "data", "fleet": "demo", "sites": ["shop"], {members}}}]"#)
    };
    for (members, expected) in [
        (data(OWN_KEY), None),
        (
            r#""sites": [], "plugins": []"#.to_owned(),
            Some((Topic::Plugins, Error, "its control endpoint shows no plugin")),
        ),
        (
            format!(r#""sites": [], "plugins": [{control}]"#),
            Some((
                Topic::Plugins,
                Error,
                "no plugin with sites and a name other than \"control\" shares the `vm_id` of the control listener; give",
            )),
        ),
        (
            format!(r#""sites": [], "started": "2026-11-21T02:59:59Z", "plugins": [{control}]"#),
            Some((
                Topic::Plugins,
                Error,
                "no plugin with sites and a name other than \"control\" shares the `vm_id` of the control listener; Envoy started less than 15 s ago, so run",
            )),
        ),
        (
            format!(r#""sites": [], "plugins": [{control}, {{"name": "data", "fleet": "test"}}]"#),
            Some((
                Topic::Fleets,
                Error,
                "plugin \"data\" has the fleet \"test\", and the control listener has \"demo\"",
            )),
        ),
        (
            format!(r#""sites": [], "plugins": [{control}, {{"name": "data", "refused": "sits: unknown field"}}]"#),
            Some((Topic::Policies, Error, "the first policy of plugin \"data\" was refused, so Envoy answers 500")),
        ),
        (
            data(&format!(r#"{OWN_KEY}, "refused": "sits: unknown field", "refused_at": "2026-11-21T02:00:00Z""#)),
            Some((
                Topic::Policies,
                Warning,
                "a policy of plugin \"data\" was refused at 2026-11-21T02:00:00Z, and Envoy still uses the one before",
            )),
        ),
        (
            data(r#""keys": []"#),
            Some((Topic::Keys, Warning, "plugin \"data\" does not have the key of maintctl.toml; add the JWK")),
        ),
        (
            data(&OWN_KEY.replace("[\"*\"]", "[\"api\"]")),
            Some((
                Topic::Keys,
                Warning,
                "plugin \"data\" does not let the key of maintctl.toml change shop; extend `sites`",
            )),
        ),
        (
            data(&OWN_KEY.replace("[\"state\"]", "[\"pass\"]")),
            Some((Topic::Keys, Warning, "plugin \"data\" does not let the key of maintctl.toml change shop")),
        ),
        (
            data(&format!(r#"{OWN_KEY}, "control": true"#)),
            Some((
                Topic::Endpoints,
                Warning,
                "plugin \"data\" serves the control endpoint on the listener of the sites: shop",
            )),
        ),
        (
            format!(r#"{SHOP}, "plugin_conflicts": ["data"]"#),
            Some((Topic::Plugins, Warning, "several plugins named \"data\" have different policies; give each plugin")),
        ),
        (
            String::new(),
            Some((Topic::Fleets, Error, "its fleet is \"test\", and `fleet` in maintctl.toml is \"demo\"; correct")),
        ),
    ] {
        let members = members.as_str();
        let status =
            if members.is_empty() { EnvoyStatus { fleet: "test".to_owned(), ..status(SHOP) } } else { status(members) };
        let found = remarks(&status, &OWN);
        let Some((topic, severity, text)) = expected else {
            assert_eq!(found, [], "{members}");
            continue;
        };
        let [remark] = found.as_slice() else { panic!("{members}: {found:?}") };
        assert_eq!((remark.topic, remark.severity), (topic, severity), "{members}: {remark:?}");
        assert!(remark.line().starts_with(text), "{members}: {}", remark.line());
        assert!(!remark.remedy.is_empty(), "{members}");
    }
}

#[test]
fn clocks_are_compared_with_the_time_of_the_request() {
    let status = status(SHOP);
    let there = Time::parse("2026-11-21T03:00:00Z").unwrap();
    for (asked, answered, tolerance, expected) in [
        (-100, 100, 1000, None),
        (-3000, 3000, 1000, None),
        (900, 1200, 1000, None),
        (1100, 1200, 1000, Some(Severity::Warning)),
        (-1200, -1100, 1000, Some(Severity::Warning)),
        (11_000, 11_000, 1000, Some(Severity::Error)),
        (-11_000, -10_500, 10_000, Some(Severity::Error)),
        (9_000, 9_000, 10_000, None),
    ] {
        let remark = clock(&status, Time(there.0 + asked), Time(there.0 + answered), tolerance);
        assert_eq!(remark.map(|remark| remark.severity), expected, "{asked} {answered} {tolerance}");
    }
}
