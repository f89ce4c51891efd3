use ct_codecs::{Base64, Encoder};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::PluginConfig;
use crate::request::{HeaderMap, UNITS, UnknownPeer};
use crate::state::ActiveMode;
use crate::tree::KeyPath;

mod cors;
mod kinds;
mod templates;

const NOW: Time = Time(1_795_226_400_000); // 2026-11-21T02:00:00Z
const HOSTILE: &str = "</script><script>alert('\"`1`\"')</script>${x}&amp;";

/// The reply of the site `shop` with `config` as the policy-wide `reply`.
fn reply(config: Value) -> Reply {
    let (wide, own) = (overrides(config), overrides(json!({})));
    let hosts =
        [HostPattern::Exact("shop.example.com".to_owned()), HostPattern::Suffix(".shop.example.com".to_owned())];
    Reply::merge(&wide, &own, "shop", &hosts).unwrap()
}

fn overrides(config: Value) -> ReplyOverrides {
    let tree = Tree::from_json(json!({ "reply": config }).to_string().as_bytes()).unwrap();
    ReplyOverrides::compile(&PluginConfig::read(&tree).unwrap().reply, &KeyPath::Root.key("reply")).unwrap()
}

/// The state of a closed site: its mode, and the seconds from now to `until` and `eta`.
fn closed(mode: Mode, until: Option<i64>, eta: Option<i64>, reason: Option<&str>) -> EffectiveState {
    let time = |seconds: i64| Time(NOW.0 + seconds * 1000);
    let (since, until, eta) = (Some(time(-60)), until.map(time), eta.map(time));
    EffectiveState {
        active: vec![ActiveMode { mode, since, until, eta, reason: reason.map(str::to_owned), suspend: Vec::new() }],
    }
}

fn offline() -> EffectiveState {
    closed(Mode::Offline, None, Some(3600), Some("Database upgrade"))
}

/// Parses request headers from `METHOD /path` and one line for each header.
fn headers(text: &str) -> HeaderMap {
    let (start, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (method, path) = start.split_once(' ').unwrap();
    let pseudo = [(":method", method), (":path", path), (":authority", "shop.example.com")];
    let lines = rest.lines().map(|line| line.trim_start().split_once(": ").unwrap());
    HeaderMap::new(pseudo.into_iter().chain(lines).map(|(name, value)| (name.into(), value.into())).collect())
}

fn ask_at(reply: &Reply, state: &EffectiveState, text: &str) -> LocalReply {
    let headers = headers(text);
    reply.answer(Refusal::Mode(state.mode()), state, &Request::new(&headers, &UnknownPeer), NOW, 0)
}

fn ask(reply: &Reply, text: &str) -> LocalReply {
    ask_at(reply, &offline(), text)
}

fn header<'r>(reply: &'r LocalReply, name: &str) -> Option<&'r str> {
    let mut values = reply.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = values.next();
    assert_eq!(values.next(), None, "{name} appears once");
    first
}

fn body(reply: &LocalReply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

const BROWSER: &str = "GET /cart\naccept: text/html,application/xhtml+xml,*/*;q=0.8";

#[test]
fn every_refusal_has_the_headers_against_caching_indexing_and_retries() {
    let reply = reply(json!({ "redirect": "/sorry", "headers": { "X-Status": "https://status.example.com" } }));
    for request in [
        BROWSER,
        "POST /\naccept: text/html",
        "GET /",
        "GET /\naccept: text/plain",
        "GET /\naccept: image/*",
        "POST /\ncontent-type: application/grpc",
        "POST /\ncontent-type: application/grpc-web",
        "POST /\ncontent-type: application/connect+json",
        "OPTIONS /\norigin: https://shop.example.com\naccess-control-request-method: PUT",
    ] {
        let answer = ask(&reply, request);
        for (name, value) in [
            ("retry-after", "3600"),
            ("cache-control", "no-store, max-age=0"),
            ("x-maintenance-mode", "offline"),
            ("x-robots-tag", "noindex"),
            ("vary", "accept, origin"),
            ("x-envoy-ratelimited", "true"),
            ("x-status", "https://status.example.com"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{request}");
        }
        assert_eq!(answer.details, "maintenance_offline");
    }
}

#[test]
fn problem_details_state_the_mode_the_reason_and_the_times() {
    let reply = reply(json!({ "json": { "type": "https://example.com/closed", "support": { "phone": [1, 2] } } }));
    let answer = ask(&reply, "GET /");
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body).unwrap(),
        json!({
            "title": "Closed for maintenance", "status": 503, "detail": "Database upgrade", "site": "shop",
            "mode": "offline", "until": null, "eta": "2026-11-21T03:00:00Z", "retry_after": 3600,
            "type": "https://example.com/closed", "support": { "phone": [1, 2] },
        })
    );
    let answer = ask_at(&reply, &closed(Mode::ReadOnly, Some(60), None, Some(HOSTILE)), "POST /");
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&problem["detail"], &problem["mode"]), (&json!(HOSTILE), &json!("read_only")));
    assert_eq!(answer.details, "maintenance_read_only");
}

#[test]
fn retry_after_is_the_time_to_the_expected_end_or_the_default() {
    for (config, until, eta, random, expected) in [
        (json!({}), None, None, 0, Some("300")),
        (json!({}), Some(600), Some(60), 0, Some("600")),
        (json!({}), None, Some(60), 0, Some("60")),
        (json!({}), None, Some(-60), 0, Some("300")),
        (json!({}), Some(600), Some(-60), 0, Some("600")),
        (json!({ "retry_after": "90s" }), None, None, 0, Some("90")),
        (json!({ "retry_after": "250ms" }), None, None, 0, Some("1")),
        (json!({ "retry_after": "0s" }), None, None, 0, None),
        (json!({ "retry_after": "0s", "retry_jitter": "9s" }), None, None, 7, None),
        (json!({ "retry_after": "0s" }), None, Some(60), 0, Some("60")),
        (json!({ "retry_after": null }), None, None, 7, None),
        (json!({ "retry_after": null }), None, Some(60), 0, Some("60")),
        (json!({ "retry_jitter": "10s" }), None, None, 10, Some("310")),
        (json!({ "retry_jitter": "10s" }), None, Some(60), 11, Some("60")),
        (json!({ "retry_jitter": "10s" }), None, Some(60), u32::MAX, Some("63")),
    ] {
        let reply = reply(config.clone());
        let headers = headers("GET /");
        let state = closed(Mode::Offline, until, eta, None);
        let request = Request::new(&headers, &UnknownPeer);
        let answer = reply.answer(Refusal::Mode(Mode::Offline), &state, &request, NOW, random);
        assert_eq!(header(&answer, "retry-after"), expected, "{config} {until:?} {eta:?}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let seconds = expected.map(|text| text.parse::<u64>().unwrap());
        assert_eq!(problem["retry_after"], json!(seconds), "{config}");
    }
}

#[test]
fn an_unchanged_page_is_not_copied() {
    let reply = reply(json!({ "html": format!("<p>{{{{reason}}}}{}", "x".repeat(65_536)) }));
    assert!(Rc::ptr_eq(&ask(&reply, BROWSER).body, &ask(&reply, BROWSER).body));
}

#[test]
fn clear_cookies_expires_cookies() {
    let reply = reply(json!({ "clear_cookies": ["sessionid", "__Host-sid"] }));
    let answer = ask(&reply, "GET /");
    let cookies: Vec<_> =
        answer.headers.iter().filter(|(name, _)| *name == "set-cookie").map(|(_, value)| value).collect();
    assert_eq!(cookies, ["sessionid=; Max-Age=0; Path=/", "__Host-sid=; Max-Age=0; Path=/; Secure"]);
}

#[test]
fn cookies_with_conditions_are_expired_for_requests_that_meet_them() {
    let reply = reply(json!({ "clear_cookies": [
        "all",
        { "name": "staff", "headers": [{ "name": "x-staff" }], "methods": ["POST"] },
        { "name": "offline", "modes": ["offline"] },
        { "name": "same" },
    ] }));
    let expired = |refusal: Refusal<'_>, request: &str| {
        let headers = headers(request);
        let request = Request::new(&headers, &UnknownPeer);
        let answer = reply.answer(refusal, &offline(), &request, NOW, 0);
        let cookies = answer.headers.iter().filter(|(name, _)| *name == "set-cookie");
        let mut names: Vec<String> = cookies.map(|(_, value)| value.split('=').next().unwrap().to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    for (refusal, request, cookies) in [
        (Refusal::Mode(Mode::Offline), "GET /", "all offline same"),
        (Refusal::Mode(Mode::Offline), "GET /\nx-staff: 1", "all offline same"),
        (Refusal::Mode(Mode::Offline), "POST /\nx-staff: 1", "all offline same staff"),
        (Refusal::Mode(Mode::ReadOnly), "POST /\nx-staff: 1", "all same staff"),
        (Refusal::AlwaysClosed("beta"), "POST /\nx-staff: 1", ""),
    ] {
        assert_eq!(expired(refusal, request), cookies, "{refusal:?} {request:?}");
    }
}

#[test]
fn an_exhausted_budget_expires_no_cookie_with_conditions() {
    let reply = reply(
        json!({ "clear_cookies": [{ "name": "a", "headers": [{ "name": "x-a", "value": { "absent": true } }] }] }),
    );
    let headers = headers("GET /");
    for (units, expected) in [(0, 1), (UNITS, 0)] {
        let request = Request::new(&headers, &UnknownPeer);
        let _ = request.budget.pay(units);
        let answer = reply.answer(Refusal::Mode(Mode::Offline), &offline(), &request, NOW, 0);
        assert_eq!(answer.headers.iter().filter(|(name, _)| *name == "set-cookie").count(), expected);
    }
}

#[test]
fn a_refusal_by_an_always_closed_rule_shows_the_mode_offline() {
    let reply = reply(json!({ "status": 404 }));
    for state in [EffectiveState::default(), closed(Mode::ReadOnly, None, None, None)] {
        let headers = headers("GET /beta");
        let request = Request::new(&headers, &UnknownPeer);
        let answer = reply.answer(Refusal::AlwaysClosed("beta"), &state, &request, NOW, 0);
        assert_eq!((answer.status, answer.details), (404, "maintenance_always_closed"));
        assert_eq!(header(&answer, "x-maintenance-mode"), Some("offline"));
    }
}

#[test]
fn fields_of_a_site_override_the_policy_wide_ones() {
    let wide =
        overrides(json!({ "status": 500, "text": "{{phone}}", "context": { "phone": "1" }, "retry_after": "1m" }));
    let own = overrides(json!({ "context": { "phone": "2" }, "retry_after": null }));
    let reply = Reply::merge(&wide, &own, "shop", &[HostPattern::Any]).unwrap();
    let answer = ask_at(&reply, &closed(Mode::Offline, None, None, None), "GET /\naccept: text/plain");
    assert_eq!((answer.status, body(&answer).as_str()), (500, "2"));
    assert_eq!(header(&answer, "retry-after"), None);
}

#[test]
fn a_health_check_is_answered_with_200_ok() {
    let answer = health_check();
    assert_eq!((answer.status, body(&answer).as_str()), (200, "ok"));
    assert_eq!(header(&answer, "content-type"), Some("text/plain"));
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(answer.details, "maintenance_health_check");
}

#[test]
fn operators_can_override_the_headers_of_the_page() {
    let headers = json!({ "Content-Security-Policy": "default-src 'self'", "x-content-type-options": "x", "x-a": "b" });
    let answer = ask(&reply(json!({ "headers": headers })), "GET /\naccept: text/html");
    assert_eq!(header(&answer, "content-security-policy"), Some("default-src 'self'"));
    assert_eq!((header(&answer, "x-content-type-options"), header(&answer, "x-a")), (Some("x"), Some("b")));
    let answer = ask(&reply(json!({})), "GET /\naccept: text/html");
    assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
}

proptest! {
    #[test]
    fn every_request_gets_a_reply_with_valid_headers(
        values in proptest::collection::vec(any::<Vec<u8>>(), 8),
        method in "GET|POST|OPTIONS",
        reason in any::<String>(),
        random in any::<u32>(),
    ) {
        let names = [
            ":path", ":authority", "accept", "origin", "content-type", "sec-fetch-dest",
            "access-control-request-method", "access-control-request-headers",
        ];
        let mut entries: Vec<_> = names.iter().map(|name| name.as_bytes().to_vec()).zip(values).collect();
        entries.push((b":method".to_vec(), method.into_bytes()));
        let headers = HeaderMap::new(entries);
        let request = Request::new(&headers, &UnknownPeer);
        let state = closed(Mode::Offline, None, Some(60), Some(&reason));
        for config in [json!({}), json!({ "cors": { "origins": ["*"] }, "html": "<p>{{path}}", "format": "html" })] {
            let answer = reply(config).answer(Refusal::Mode(Mode::Offline), &state, &request, NOW, random);
            for (_, value) in answer.headers.iter() {
                prop_assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{}", value);
            }
            prop_assert!((200..=599).contains(&answer.status));
        }
    }
}
