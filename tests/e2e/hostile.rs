//! Hostile requests: each gets a response, none causes a trap, and none passes a closed site.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw;

mod control;
mod generated;
mod hosts_and_paths;

/// A closed site with `/public/*` and rules on every part of a request exempt.
fn policy() -> Value {
    let named = |kind: &str, name: &str, value: Value| json!({ "name": format!("{kind}-rule"), kind: [{ "name": name, "value": value }] });
    json!({
        "sites": [{ "name": "shop" }],
        "state": { "shop": { "mode": "offline", "reason": "closed" } },
        "exempt": [
            { "name": "public", "paths": ["/public/*"] },
            { "name": "office", "remote_ips": ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"] },
            named("headers", "x-staff", json!({ "regex": "yes|ja" })),
            named("cookies", "staff", "yes".into()),
            named("query", "staff", "yes".into()),
            { "name": "agents", "headers": [{ "name": "user-agent", "value": "Staff/*" }, { "name": "accept" }, { "name": "origin" }] },
        ],
        "always_closed": [{ "name": "inner", "paths": ["/public/inner/*"] }],
        "reply": { "cors": { "origins": ["https://*"] } },
    })
}

async fn envoy(app: &App) -> Envoy {
    Envoy::builder(app.address()).policy(&policy()).workers(4).start().await
}

/// Asserts that every worker responds and that no VM has trapped.
async fn assert_healthy(envoy: &Envoy) {
    let mut connections = Vec::new();
    for _ in 0..40 {
        let mut connection = raw::Connection::open(envoy.data()).await;
        connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(connection.response().await.expect("a response").status, 503);
        connections.push(connection);
    }
    let active = envoy.stats("downstream_cx_active").await;
    for worker in 0..4 {
        let gauge = format!("worker_{worker}.downstream_cx_active");
        assert!(active.iter().any(|(name, count)| name.ends_with(&gauge) && *count > 0), "{gauge}: {active:?}");
    }
    let log = envoy.log().to_lowercase();
    for word in ["panick", "trap", "unreachable", "wasm vm failed", "runtime error", "proxy-wasm", "fail reload"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
    let failures = envoy.stats("wasm").await;
    let bad = |name: &str| name.contains("vm_reload") || name.contains("remote_load") || name.contains("crash");
    assert!(!failures.iter().any(|(name, count)| bad(name) && *count > 0), "{failures:?}");
}

/// A GET request with these headers.
fn request(target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = [b"GET ", target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in headers {
        bytes.extend_from_slice(&[*name, b": ", *value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The status of the response, or 0 if the connection closes without one.
async fn status(to: SocketAddr, bytes: &[u8]) -> u16 {
    raw::exchange(to, bytes).await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn invalid_utf8_and_empty_or_duplicate_headers_do_not_open_a_site() {
    let app = App::start();
    let envoy = envoy(&app).await;
    let cookies = [b"a=".as_slice(), &b"x; b=".repeat(58 * 1024 / 5), b"y"].concat();
    for name in [
        "x-staff",
        "cookie",
        "user-agent",
        "accept",
        "accept-language",
        "origin",
        "content-type",
        "referer",
        "sec-fetch-dest",
        "access-control-request-method",
        "upgrade-insecure-requests",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-maintenance-document",
        "x-maintenance-pass",
        "x-request-id",
        "authorization",
        "purpose",
        "x-requested-with",
        "te",
    ] {
        let name = name.as_bytes();
        for value in [
            &b"\xff\xfe\x80"[..],
            b"yes\xc0\xaf",
            b"\xed\xa0\x80",
            b"",
            b" ",
            b"staff=\xff; staff",
            b"=;=;;",
            b"yes,yes",
            b",q=,;q",
        ] {
            for headers in
                [vec![(name, value)], vec![(name, value), (name, value)], vec![(name, &b""[..]), (name, value)]]
            {
                let headers = [vec![(&b"Host"[..], &b"a"[..])], headers].concat();
                let seen = status(envoy.data(), &request(b"/", &headers)).await;
                // Envoy itself rejects some of these headers.
                assert!(matches!(seen, 503 | 400 | 0), "{}: {value:?}: {seen}", String::from_utf8_lossy(name));
            }
        }
    }
    assert_eq!(status(envoy.data(), &request(b"/", &[(b"Host", b"a"), (b"Cookie", &cookies)])).await, 503);
    let opened = [cookies.as_slice(), b"; staff=yes"].concat();
    assert_eq!(status(envoy.data(), &request(b"/", &[(b"Host", b"a"), (b"Cookie", &opened)])).await, 200);
    assert_eq!(app.hits(), 1);
    assert_healthy(&envoy).await;
}
