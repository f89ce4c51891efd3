use super::*;
use crate::json;
use crate::members::Workers;
use serde_json::{Value, json};

#[test]
fn paths_are_parsed_as_they_are_written() {
    for path in [ControlPath::Status, ControlPath::Site("shop")] {
        assert_eq!(ControlPath::parse(path.to_string().as_bytes()), Some(path));
    }
    let unknown = [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v2/status",
        "/v1/status/",
        "/v1/sites",
        "/v1/sites/",
        "/v1/sites/a/b",
        "/v1/sites/\u{0}/",
    ];
    for path in unknown {
        assert_eq!(ControlPath::parse(path.as_bytes()), None, "{path}");
    }
    assert_eq!(ControlPath::parse(b"/v1/sites/\xff"), None);
}

#[test]
fn a_condition_is_met_by_its_own_digest_only() {
    let (one, other) = (Some("1a"), Some("2b"));
    for (condition, current, expected) in [
        (condition(one), one, true),
        (condition(one), other, false),
        (condition(one), None, false),
        (condition(None), None, true),
        (condition(None), one, false),
        ("1a".to_owned(), one, true),
        (" *\t".to_owned(), None, true),
    ] {
        assert_eq!(meets_condition(condition.as_bytes(), current), expected, "{condition} {current:?}");
    }
}

#[test]
fn error_codes_have_names_of_their_own() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.name()), Some(code));
        assert!((400..=500).contains(&code.status()), "{code:?}");
    }
    assert_eq!(ErrorCode::parse("teapot"), None);
}

#[test]
fn a_problem_is_read_as_it_is_written() {
    let text = Problem::to_json(ErrorCode::StaleRevision, "a \"newer\" one", Some(r#"{"revision":1}"#));
    let value: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "title": "stale revision", "status": 409, "code": "stale_revision", "detail": "a \"newer\" one",
        "current": { "revision": 1 },
    });
    assert_eq!(value, expected);
    let problem: Problem = serde_json::from_value(value).unwrap();
    assert_eq!((problem.code.as_str(), problem.detail.as_str()), ("stale_revision", "a \"newer\" one"));
    let problem: Problem = serde_json::from_str(r#"{ "code": "of_a_newer_filter" }"#).unwrap();
    assert_eq!((problem.code.as_str(), problem.detail.as_str()), ("of_a_newer_filter", ""));
}

fn written(sites: &[&SiteStatus<String>], has_details: bool) -> String {
    let site = |site: &&SiteStatus<String>| {
        let mut object = Object::default();
        site.write(&mut object);
        write_workers(site.workers, &mut object);
        if has_details {
            site.details.write(&mut object);
        }
        object.end()
    };
    let status = Status {
        envoy: "edge/1".to_owned(),
        version: "1".to_owned(),
        time: "2026-11-21T02:00:00Z".to_owned(),
        started: "2026-11-20T02:00:00Z".to_owned(),
        fleet: "prod".to_owned(),
        plugin_conflicts: vec!["shop".to_owned()],
        sites: json::list(&sites.iter().map(site).collect::<Vec<_>>()),
        plugins: has_details.then(|| json::list(&plugins().iter().map(written_plugin).collect::<Vec<_>>())),
    };
    status.to_json()
}

fn written_plugin(plugin: &PluginStatus) -> String {
    let mut object = Object::default();
    plugin.write(&mut object);
    PluginStatus::write_refusal(plugin.refused.as_deref(), plugin.refused_at.as_deref(), &mut object);
    object.end()
}

fn plugins() -> Vec<PluginStatus> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let key =
        KeyStatus { name: "oncall".to_owned(), kid: "1a".to_owned(), sites: texts(&["*"]), may: texts(&["state"]) };
    let data = PluginStatus {
        name: "data/a".to_owned(),
        fleet: Some("prod".to_owned()),
        sites: texts(&["shop"]),
        keys: vec![key],
        control: true,
        refused: Some("sits: unknown field; did you mean \"sites\"?".to_owned()),
        refused_at: Some("2026-11-21T02:00:00Z".to_owned()),
    };
    vec![data, PluginStatus { name: "new".to_owned(), ..PluginStatus::default() }]
}

#[test]
fn a_status_is_read_as_it_is_written() {
    let json = |text: &str| text.to_owned();
    let closed = SiteStatus {
        site: "shop".to_owned(),
        mode: "offline".to_owned(),
        active: vec!["offline".to_owned(), "read_only".to_owned()],
        revision: 1_795_204_262_751,
        digest: Some("1a".to_owned()),
        channel: Some("push".to_owned()),
        workers: Workers { members: 4, adopted: 3 },
        details: SiteDetails {
            since: Some("2026-11-21T02:00:00Z".to_owned()),
            reason: Some("a \"reason\"".to_owned()),
            signed_by: Some("oncall".to_owned()),
            windows: json("[]"),
            past: json(r#"[{"mode":"offline"}]"#),
            suspend: json(r#"["staff"]"#),
            suspend_unknown: vec!["staff".to_owned()],
            lacks_key: vec!["other".to_owned()],
            refused: Some(7),
            bypassed: Counters(vec![("office".to_owned(), 2), ("acme".to_owned(), 0)]),
            declared: Some(false),
            document: json(r#"{"site":"shop"}"#),
            ..SiteDetails::default()
        },
    };
    let status: Status<Vec<SiteStatus<Value>>> = serde_json::from_str(&written(&[&closed], true)).unwrap();
    assert_eq!((status.envoy.as_str(), status.fleet.as_str()), ("edge/1", "prod"));
    assert_eq!(status.plugin_conflicts, ["shop"]);
    assert_eq!((status.started.as_str(), &status.plugins), ("2026-11-20T02:00:00Z", &plugins()));
    let [site] = status.sites.as_slice() else { panic!("{status:?}") };
    assert_eq!(site.stamp(), Some((1_795_204_262_751, "1a")));
    assert_eq!((&site.mode, &site.active, &site.channel), (&closed.mode, &closed.active, &closed.channel));
    assert_eq!((site.workers, site.workers.have_adopted(), site.is_declared()), (closed.workers, false, false));
    let (read, own) = (&site.details, &closed.details);
    assert_eq!((&read.since, &read.until, &read.reason), (&own.since, &None, &own.reason));
    assert_eq!((&read.suspend_unknown, &read.lacks_key), (&own.suspend_unknown, &own.lacks_key));
    assert_eq!((read.refused, &read.bypassed), (Some(7), &own.bypassed));
    assert_eq!((&read.suspend, &read.document), (&json!(["staff"]), &json!({ "site": "shop" })));
}

#[test]
fn a_status_without_a_read_token_has_no_details() {
    let declared = SiteStatus { site: "shop".to_owned(), mode: "online".to_owned(), ..SiteStatus::default() };
    let declared = SiteStatus { channel: Some("policy".to_owned()), ..declared };
    let status: Status<Vec<SiteStatus<Value>>> = serde_json::from_str(&written(&[&declared], false)).unwrap();
    let [site] = status.sites.as_slice() else { panic!("{status:?}") };
    assert_eq!(status.plugins, []);
    assert!(site.is_declared());
    assert_eq!((site.stamp(), site.details.refused, &site.details.document), (None, None, &Value::Null));
    assert_eq!((site.details.declared, site.details.bypassed.0.len()), (None, 0));
}

#[test]
fn members_of_a_newer_filter_are_ignored() {
    let text = r#"{ "envoy": "n", "new": 1, "sites": [{ "site": "a", "mode": "pending", "new": {}, "revision": 5 }] }"#;
    let status: Status<Vec<SiteStatus<Value>>> = serde_json::from_str(text).unwrap();
    assert_eq!(status.sites.first().map(|site| (site.mode.as_str(), site.revision)), Some(("pending", 5)));
}
