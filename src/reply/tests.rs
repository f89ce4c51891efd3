//! Whole replies: a policy, a situation and a request on one side, what the client gets on the other.

use ct_codecs::{Base64, Encoder};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::PluginConfig;
use crate::request::{HeaderMap, UnknownPeer};
use crate::state::ActiveMode;
use crate::tree::KeyPath;

const NOW: Time = Time(1_795_226_400_000); // 2026-11-21T02:00:00Z
const HOSTILE: &str = "</script><script>alert('\"`1`\"')</script>${x}&amp;";

/// The reply of site `shop` whose policy has `config` as its `reply`.
fn reply(config: Value) -> Reply {
    let (policy, own) = (part(config), part(json!({})));
    let hosts =
        [HostPattern::Exact("shop.example.com".to_owned()), HostPattern::Suffix(".shop.example.com".to_owned())];
    Reply::merge(&policy, &own, "shop", &hosts).unwrap()
}

fn part(config: Value) -> ReplyOverrides {
    let tree = Tree::from_json(json!({ "reply": config }).to_string().as_bytes()).unwrap();
    ReplyOverrides::compile(&PluginConfig::read(&tree).unwrap().reply, &KeyPath::Root.key("reply")).unwrap()
}

/// A situation: mode, and seconds from now until `until` and `eta`.
fn closed(mode: Mode, until: Option<i64>, eta: Option<i64>, reason: Option<&str>) -> EffectiveState {
    let time = |seconds: Option<i64>| seconds.map(|seconds| NOW.plus_seconds(seconds));
    let (since, until, eta) = (Some(NOW.plus_seconds(-60)), time(until), time(eta));
    EffectiveState {
        active: vec![ActiveMode { mode, since, until, eta, reason: reason.map(str::to_owned), suspend: Vec::new() }],
    }
}

fn offline() -> EffectiveState {
    closed(Mode::Offline, None, Some(3600), Some("Database upgrade"))
}

/// The headers of a request, written as `METHOD /path` and one line a header.
fn headers(text: &str) -> HeaderMap {
    let (start, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (method, path) = start.split_once(' ').unwrap();
    let pseudo = [(":method", method), (":path", path), (":authority", "shop.example.com")];
    let lines = rest.lines().map(|line| line.trim_start().split_once(": ").unwrap());
    HeaderMap::new(pseudo.into_iter().chain(lines).map(|(name, value)| (name.into(), value.into())).collect())
}

fn ask_at(reply: &Reply, situation: &EffectiveState, text: &str) -> LocalReply {
    let headers = headers(text);
    reply.answer(Refusal::Mode(situation.mode()), situation, &Request::new(&headers, &UnknownPeer), NOW, 0)
}

fn ask(reply: &Reply, text: &str) -> LocalReply {
    ask_at(reply, &offline(), text)
}

fn get<'r>(reply: &'r LocalReply, name: &str) -> Option<&'r str> {
    let mut values = reply.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = values.next();
    assert_eq!(values.next(), None, "{name} once");
    first
}

fn body(reply: &LocalReply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

const BROWSER: &str = "GET /cart\naccept: text/html,application/xhtml+xml,*/*;q=0.8";

#[test]
fn every_refusal_is_kept_out_of_caches_search_engines_and_retries() {
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
            assert_eq!(get(&answer, name), Some(value), "{request}");
        }
        assert_eq!(answer.details, "maintenance_offline");
    }
}

#[test]
fn clients_get_the_form_that_they_understand() {
    let (html, text) = ("text/html; charset=utf-8", "text/plain; charset=utf-8");
    let reply = reply(json!({ "formats": [
        { "paths": ["/api/*"], "format": "json" },
        { "paths": ["/plain"], "format": "text" },
    ] }));
    for (request, status, kind, contains) in [
        (BROWSER, 503, Some(html), "<!doctype html>"),
        ("HEAD /\naccept: text/html", 503, Some(html), "<!doctype html>"),
        ("GET /", 503, Some("application/problem+json"), "\"site\":\"shop\""),
        ("GET /api/x\naccept: text/html", 503, Some("application/problem+json"), "\"mode\":\"offline\""),
        ("GET /plain\naccept: text/html", 503, Some(text), "Down for maintenance: Database upgrade\n"),
        ("GET /\naccept: text/plain", 503, Some(text), "Expected back at 2026-11-21 03:00 UTC.\n"),
        ("GET /\nupgrade: websocket", 503, Some("application/problem+json"), ""),
        ("GET /\naccept: */*\nsec-fetch-dest: script", 503, None, ""),
        ("GET /\naccept: text/css,*/*;q=0.1\nsec-fetch-dest: style", 503, None, ""),
        (
            "POST /api/x\ncontent-type: application/grpc-web",
            200,
            Some("application/grpc-web+proto"),
            "grpc-status: 14\r\n",
        ),
        (
            "POST /\ncontent-type: application/grpc-web-text+proto",
            200,
            Some("application/grpc-web-text+proto"),
            "gAAAA",
        ),
        ("POST /\ncontent-type: application/grpc; a=b", 503, Some("application/grpc"), ""),
        ("POST /\ncontent-type: Application/gRPC", 503, Some("application/grpc"), ""),
        (
            "POST /\nconnect-protocol-version: 1",
            503,
            Some("application/json"),
            "{\"code\":\"unavailable\",\"message\":",
        ),
    ] {
        let answer = ask(&reply, request);
        assert_eq!((answer.status, get(&answer, "content-type")), (status, kind), "{request}");
        assert!(body(&answer).contains(contains), "{request}: {}", body(&answer));
        assert_eq!(
            body(&answer).is_empty(),
            contains.is_empty() && kind != Some("application/problem+json"),
            "{request}"
        );
        assert_eq!(answer.grpc_status, None, "{request}");
    }
}

#[test]
fn grpc_gets_unavailable_and_a_short_message() {
    let reply = reply(json!({ "format": "html", "html": "<p>never" }));
    let message = "shop is closed for maintenance: 100% gr??er";
    let situation = closed(Mode::Offline, None, Some(60), Some("100% größer"));
    for kind in ["application/grpc", "application/grpc+proto"] {
        let answer = ask_at(&reply, &situation, &format!("POST /a.B/C\nte: trailers\ncontent-type: {kind}"));
        assert_eq!((answer.grpc_status, body(&answer).as_str()), (Some(14), message));
        assert_eq!(get(&answer, "grpc-retry-pushback-ms"), Some("60000"));
    }
    let trailers = "\x00\x00\x00\x4egrpc-status: 14\r\ngrpc-message: shop is closed for maintenance: 100%25 gr??er\r\n";
    let frame = [&[0x80], trailers.as_bytes()].concat();
    let answer = ask_at(&reply, &situation, "POST /a.B/C\ncontent-type: application/grpc-web+proto");
    assert_eq!((answer.status, get(&answer, "grpc-status"), &*answer.body), (200, None, &frame));
    let answer = ask_at(&reply, &situation, "POST /a.B/C\ncontent-type: application/grpc-web-text");
    assert_eq!(body(&answer), Base64::encode_to_string(&frame).unwrap());
    let answer = ask_at(&reply, &situation, "POST /a.B/C\ncontent-type: application/grpc; a=b");
    assert_eq!(get(&answer, "grpc-status"), Some("14"));
    assert_eq!(get(&answer, "grpc-message"), Some("shop is closed for maintenance: 100%25 gr??er"));
}

#[test]
fn the_problem_says_what_holds() {
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
fn retry_after_is_the_time_that_lies_ahead() {
    for (config, until, eta, random, expected) in [
        (json!({}), None, None, 0, Some("300")),
        (json!({}), Some(600), Some(60), 0, Some("600")),
        (json!({}), None, Some(60), 0, Some("60")),
        (json!({}), None, Some(-60), 0, Some("300")),
        (json!({}), Some(600), Some(-60), 0, Some("600")),
        (json!({ "retry_after": "90s" }), None, None, 0, Some("90")),
        (json!({ "retry_after": "250ms" }), None, None, 0, Some("1")),
        (json!({ "retry_after": "0s" }), None, None, 0, Some("1")),
        (json!({ "retry_after": null }), None, None, 7, None),
        (json!({ "retry_after": null }), None, Some(60), 0, Some("60")),
        (json!({ "retry_jitter": "10s" }), None, None, 10, Some("310")),
        (json!({ "retry_jitter": "10s" }), None, Some(60), 11, Some("60")),
        (json!({ "retry_jitter": "10s" }), None, Some(60), u32::MAX, Some("63")),
    ] {
        let reply = reply(config.clone());
        let headers = headers("GET /");
        let situation = closed(Mode::Offline, until, eta, None);
        let request = Request::new(&headers, &UnknownPeer);
        let answer = reply.answer(Refusal::Mode(Mode::Offline), &situation, &request, NOW, random);
        assert_eq!(get(&answer, "retry-after"), expected, "{config} {until:?} {eta:?}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let seconds = expected.map(|text| text.parse::<u64>().unwrap());
        assert_eq!(problem["retry_after"], json!(seconds), "{config}");
    }
}

#[test]
fn a_reply_follows_the_clock_and_the_reason() {
    let reply = reply(json!({ "text": "{{reason}} {{retry_after}} {{path}}{{#eta}} {{eta}}{{/eta}}" }));
    let text = |seconds, reason, path: &str| {
        let situation = closed(Mode::Offline, None, seconds, Some(reason));
        body(&ask_at(&reply, &situation, &format!("GET {path}\naccept: text/plain")))
    };
    for _ in 0..2 {
        assert_eq!(text(Some(60), "one", "/a"), "one 60 /a 2026-11-21T02:01:00Z");
        assert_eq!(text(Some(60), "one", "/b?c"), "one 60 /b 2026-11-21T02:01:00Z");
        assert_eq!(text(Some(60), "two", "/a"), "two 60 /a 2026-11-21T02:01:00Z");
        assert_eq!(text(None, "two", "/a"), "two 300 /a");
    }
}

#[test]
fn an_unchanged_page_is_not_copied() {
    let reply = reply(json!({ "html": format!("<p>{{{{reason}}}}{}", "x".repeat(65_536)) }));
    assert!(Rc::ptr_eq(&ask(&reply, BROWSER).body, &ask(&reply, BROWSER).body));
}

#[test]
fn browsers_are_redirected_and_nobody_else() {
    let reply = reply(json!({ "redirect": "https://status.example.com/?from=shop", "format": "json" }));
    for (request, status) in [
        (BROWSER, 302),
        ("HEAD /\naccept: text/html", 302),
        ("POST /\naccept: text/html", 503),
        ("GET /", 503),
        ("GET /\naccept: application/json", 503),
        ("GET /\naccept: text/html\nsec-fetch-dest: script", 503),
    ] {
        let answer = ask(&reply, request);
        let location = (status == 302).then_some("https://status.example.com/?from=shop");
        assert_eq!((answer.status, get(&answer, "location")), (status, location), "{request}");
    }
    assert_eq!(reply.redirect.as_ref().unwrap().path, "/");
}

#[test]
fn own_and_listed_origins_may_read_a_refusal() {
    let listed = json!({ "cors": { "origins": ["https://App.example.com", "https://*"] } });
    let exposed = "retry-after, x-maintenance-mode";
    for (config, origin, allowed) in [
        (json!({}), "https://shop.example.com", true),
        (json!({}), "https://www.shop.example.com:8443", true),
        (json!({}), "HTTPS://Shop.Example.com", true),
        (json!({}), "http://shop.example.com", false),
        (json!({}), "https://example.com", false),
        (json!({}), "https://shop.example.com.evil.example", false),
        (json!({}), "https://evil.example/shop.example.com", false),
        (json!({}), "null", false),
        (json!({}), "", false),
        (listed.clone(), "https://app.example.com", true),
        (listed.clone(), "https://other.example.com", true),
        (listed, "http://app.example.com", false),
        (json!({ "cors": { "origins": ["null"] } }), "null", true),
        (json!({ "cors": { "origins": ["null"] } }), "https://shop.example.com", false),
        (json!({ "cors": { "origins": ["*"] } }), "http://any.example a", false),
    ] {
        let reply = reply(config);
        let answer = ask(&reply, &format!("GET /\norigin: {origin}"));
        assert_eq!(get(&answer, "access-control-allow-origin"), allowed.then_some(origin), "{origin}");
        assert_eq!(get(&answer, "access-control-expose-headers"), allowed.then_some(exposed), "{origin}");
        assert_eq!(answer.status, 503);
        let preflight = format!(
            "OPTIONS /\norigin: {origin}\naccess-control-request-method: PUT\naccess-control-request-headers: x-a,x-b"
        );
        let answer = ask(&reply, &preflight);
        assert_eq!(answer.status, if allowed { 204 } else { 503 }, "{origin}");
        assert_eq!(answer.body.is_empty(), allowed);
        for (name, value) in [
            ("access-control-max-age", "0"),
            ("access-control-allow-methods", "PUT"),
            ("access-control-allow-headers", "x-a,x-b"),
            ("access-control-allow-credentials", "true"),
        ] {
            assert_eq!(get(&answer, name), allowed.then_some(value), "{origin}");
        }
    }
}

#[test]
fn a_site_of_any_host_is_read_by_its_own_pages_only() {
    let none = part(json!({}));
    let reply = Reply::merge(&none, &none, "default", &[HostPattern::Any]).unwrap();
    for (origin, allowed) in [("https://shop.example.com", true), ("https://evil.example", false)] {
        let answer = ask(&reply, &format!("GET /\norigin: {origin}"));
        assert_eq!(get(&answer, "access-control-allow-origin"), allowed.then_some(origin));
    }
}

#[test]
fn cookies_are_expired() {
    let reply = reply(json!({ "clear_cookies": ["sessionid", "__Host-sid"] }));
    let answer = ask(&reply, "GET /");
    let cookies: Vec<_> =
        answer.headers.iter().filter(|(name, _)| *name == "set-cookie").map(|(_, value)| value).collect();
    assert_eq!(cookies, ["sessionid=; Max-Age=0; Path=/", "__Host-sid=; Max-Age=0; Path=/; Secure"]);
}

#[test]
fn what_is_always_closed_is_offline_to_its_visitors() {
    let reply = reply(json!({ "status": 404 }));
    for situation in [EffectiveState::default(), closed(Mode::ReadOnly, None, None, None)] {
        let headers = headers("GET /beta");
        let request = Request::new(&headers, &UnknownPeer);
        let answer = reply.answer(Refusal::AlwaysClosed("beta"), &situation, &request, NOW, 0);
        assert_eq!((answer.status, answer.details), (404, "maintenance_always_closed"));
        assert_eq!(get(&answer, "x-maintenance-mode"), Some("offline"));
    }
}

#[test]
fn a_sites_own_fields_override_the_policys() {
    let wide = part(json!({ "status": 500, "text": "{{phone}}", "context": { "phone": "1" }, "retry_after": "1m" }));
    let own = part(json!({ "context": { "phone": "2" }, "retry_after": null }));
    let reply = Reply::merge(&wide, &own, "shop", &[HostPattern::Any]).unwrap();
    let answer = ask_at(&reply, &closed(Mode::Offline, None, None, None), "GET /\naccept: text/plain");
    assert_eq!((answer.status, body(&answer).as_str()), (500, "2"));
    assert_eq!(get(&answer, "retry-after"), None);
}

#[test]
fn an_unknown_variable_is_refused_where_it_is_written() {
    for (wide, own, message) in [
        (
            json!({ "html": "<p>{{reasn}}" }),
            json!({}),
            "reply.html: \"{{reasn}}\" is no variable; did you mean \"reason\"?",
        ),
        (
            json!({ "text": "{{#phone}}x{{/phone}}", "context": { "phone": "1" } }),
            json!({ "context": { "fone": "1" } }),
            "reply.text: \"{{phone}}\" is no variable; did you mean \"fone\"?",
        ),
        (json!({}), json!({ "text": "{{back}}" }), "reply.text: \"{{back}}\" is no variable"),
        (
            json!({ "html": "<a href='{{url}}'>" }),
            json!({ "context": { "url": "javascript:f()" } }),
            "reply.html: \"{{url}}\" stands in a URL whose scheme is not http, https, mailto or tel, where it can't be \
             made safe",
        ),
    ] {
        let error = Reply::merge(&part(wide), &part(own), "shop", &[HostPattern::Any]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn hostile_values_stay_values_in_a_page() {
    let reply = reply(json!({
        "context": { "team": HOSTILE, "home": "https://example.com/?a=b&c" },
        "html": "<title>{{reason}}</title><p title=\"{{reason}}\">{{team}}</p><a href='{{home}}'>x</a>\
                 <a href=\"/?p={{path}}&r={{reason}}\">{{path}}</a><script>a('{{reason}}', `{{team}}`)</script>",
    }));
    let situation = closed(Mode::Offline, None, None, Some(HOSTILE));
    let page = body(&ask_at(&reply, &situation, &format!("GET /{HOSTILE}\naccept: text/html")));
    for tag in ["<script", "</script", "<a ", "<p ", "<title"] {
        let own = if tag == "<a " { 2 } else { 1 };
        assert_eq!(page.matches(tag).count(), own, "{tag} in {page}");
    }
    let (_, script) = page.split_once("<script>").unwrap();
    assert_eq!(script.matches('\'').count(), 2, "{script}");
    assert_eq!(script.matches('`').count(), 2, "{script}");
    assert!(!script.contains('$'), "{script}");
    assert!(page.contains("href='https://example.com/?a=b&amp;c'"));
    let built_in = body(&ask_at(&super::tests::reply(json!({})), &situation, BROWSER));
    assert_eq!(built_in.matches("&lt;/script&gt;&lt;script&gt;").count(), 1, "the reason stands once");
    assert!(!built_in.contains("<script>alert"));
}

#[test]
fn a_health_check_is_answered() {
    let answer = health_check();
    assert_eq!((answer.status, body(&answer).as_str()), (200, "ok"));
    assert_eq!(get(&answer, "content-type"), Some("text/plain"));
    assert_eq!(get(&answer, "cache-control"), Some("no-store"));
    assert_eq!(answer.details, "maintenance_health_check");
}

#[test]
fn the_operator_may_say_of_the_page_what_the_filter_would() {
    let headers = json!({ "Content-Security-Policy": "default-src 'self'", "x-content-type-options": "x", "x-a": "b" });
    let answer = ask(&reply(json!({ "headers": headers })), "GET /\naccept: text/html");
    assert_eq!(get(&answer, "content-security-policy"), Some("default-src 'self'"));
    assert_eq!((get(&answer, "x-content-type-options"), get(&answer, "x-a")), (Some("x"), Some("b")));
    let answer = ask(&reply(json!({})), "GET /\naccept: text/html");
    assert_eq!(get(&answer, "x-content-type-options"), Some("nosniff"));
}

proptest! {
    #[test]
    fn any_request_gets_a_reply_with_headers_that_can_be_sent(
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
        let situation = closed(Mode::Offline, None, Some(60), Some(&reason));
        for config in [json!({}), json!({ "cors": { "origins": ["*"] }, "html": "<p>{{path}}", "format": "html" })] {
            let answer = reply(config).answer(Refusal::Mode(Mode::Offline), &situation, &request, NOW, random);
            for (_, value) in answer.headers.iter() {
                prop_assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{}", value);
            }
            prop_assert!((200..=599).contains(&answer.status));
        }
    }
}
