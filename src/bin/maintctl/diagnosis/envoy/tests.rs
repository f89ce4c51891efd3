use super::*;

const OWN: OwnSide<'_> = OwnSide { fleet: Some("demo"), kid: Some("k1"), pushes: true };

fn status(members: &str) -> EnvoyStatus {
    let text = format!(r#"{{"envoy": "edge/1", "fleet": "demo", "time": "2026-11-21T03:00:00Z", {members}}}"#);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const SHOP: &str = r#""sites": [{"site": "shop", "mode": "online"}]"#;
const OWN_KEY: &str = r#""keys": [{"name": "oncall", "kid": "k1", "sites": ["*"], "may": ["state"]}]"#;

const CONTROL: &str = r#"{"name": "control", "fleet": "demo", "control": true}"#;

/// A status with the site `shop` in the plugin `data` with these members.
fn data(members: &str) -> EnvoyStatus {
    status(&format!(r#"{SHOP}, "plugins": [{{"name": "data", "fleet": "demo", "sites": ["shop"], {members}}}]"#))
}

/// A status without sites, and with these plugins beside that of the control listener.
fn without_sites(plugins: &str) -> EnvoyStatus {
    status(&format!(r#""sites": [], "plugins": [{CONTROL}{plugins}]"#))
}

/// Asserts the only remark on each status, and that it has a remedy.
fn check(topic: Topic, severity: Severity, rows: Vec<(EnvoyStatus, &str)>) {
    for (status, text) in rows {
        let found = remarks(&status, &OWN);
        let [remark] = found.as_slice() else { panic!("{status:?}: {found:?}") };
        assert_eq!((remark.topic, remark.severity), (topic, severity), "{remark:?}");
        assert!(remark.line().starts_with(text), "{}", remark.line());
        assert!(!remark.remedy.is_empty(), "{remark:?}");
    }
}

#[test]
fn a_healthy_envoy_has_no_remark() {
    assert_eq!(remarks(&data(OWN_KEY), &OWN), []);
}

#[test]
fn a_control_endpoint_without_sites_has_a_reason() {
    const ALONE: &str =
        "no plugin with sites and a name other than \"control\" shares the `vm_id` of the control listener; ";
    let no_token = status(r#""sites": [], "plugins": []"#);
    let mut starting = without_sites("");
    starting.started = "2026-11-21T02:59:59Z".to_owned();
    let again =
        format!("{ALONE}Envoy started less than 15 s ago, so run `maintctl status` again; if nothing changes, give");
    check(
        Topic::Plugins,
        Severity::Error,
        vec![
            (no_token, "its control endpoint shows no plugin"),
            (without_sites(""), ALONE),
            (starting, again.as_str()),
        ],
    );
    let stranger = r#", {"name": "data", "fleet": "test"}"#;
    let expected = "plugin \"data\" has the fleet \"test\", and the control listener has \"demo\"";
    check(Topic::Fleets, Severity::Error, vec![(without_sites(stranger), expected)]);
    let refused = r#", {"name": "data", "refused": "sits: unknown field"}"#;
    let expected = "the first policy of plugin \"data\" was refused, so Envoy answers 500";
    check(Topic::Policies, Severity::Error, vec![(without_sites(refused), expected)]);
}

#[test]
fn a_fleet_other_than_that_of_maintctl_is_an_error() {
    let other = EnvoyStatus { fleet: "test".to_owned(), ..status(SHOP) };
    let expected = "its fleet is \"test\", and `fleet` in maintctl.toml is \"demo\"; correct";
    check(Topic::Fleets, Severity::Error, vec![(other, expected)]);
}

#[test]
fn policies_that_were_refused_or_lack_the_own_key_get_warnings() {
    let refused = format!(r#"{OWN_KEY}, "refused": "sits: unknown field", "refused_at": "2026-11-21T02:00:00Z""#);
    let expected =
        "a policy of plugin \"data\" was refused at 2026-11-21T02:00:00Z, and Envoy still uses the one before";
    check(Topic::Policies, Severity::Warning, vec![(data(&refused), expected)]);
    let limited = "plugin \"data\" does not let the key of maintctl.toml change shop; extend `sites`";
    check(
        Topic::Keys,
        Severity::Warning,
        vec![
            (data(r#""keys": []"#), "plugin \"data\" does not have the key of maintctl.toml; add the JWK"),
            (data(&OWN_KEY.replace("[\"*\"]", "[\"api\"]")), limited),
            (data(&OWN_KEY.replace("[\"state\"]", "[\"pass\"]")), limited),
        ],
    );
}

#[test]
fn exposed_endpoints_and_shared_names_get_warnings() {
    let exposed = data(&format!(r#"{OWN_KEY}, "control": true"#));
    let expected = "plugin \"data\" serves the control endpoint on the listener of the sites: shop";
    check(Topic::Endpoints, Severity::Warning, vec![(exposed, expected)]);
    let shared = status(&format!(r#"{SHOP}, "plugin_conflicts": ["data"]"#));
    let expected = "several plugins named \"data\" have different policies; give each plugin";
    check(Topic::Plugins, Severity::Warning, vec![(shared, expected)]);
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
