//! The responses of refused requests, as the client receives them from Envoy.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::builder::EnvoyBuilder;
use crate::support::envoy::Envoy;
use crate::support::{client, raw};

mod cors;
mod headers;
mod mapper;
mod templates;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/// An Envoy whose site `shop` has this state and this `reply`.
fn refusing(app: &App, state: Value, reply: Value) -> EnvoyBuilder {
    Envoy::builder(app.address()).policy(&json!({
        "fleet": "test",
        "sites": [{ "name": "shop", "hosts": ["shop.example.com", "*.shop.example.com"] }],
        "reply": reply,
        "state": { "shop": state },
    }))
}

fn offline() -> Value {
    json!({ "mode": "offline", "reason": "Database upgrade" })
}

/// Sends a request: `METHOD /path`, followed by header lines.
async fn send(envoy: &Envoy, request: &str) -> raw::Response {
    send_with(envoy, request, "").await
}

async fn send_with(envoy: &Envoy, request: &str, body: &str) -> raw::Response {
    let mut connection = raw::Connection::open(envoy.data()).await;
    ask(&mut connection, request, body).await
}

async fn ask(connection: &mut raw::Connection, request: &str, body: &str) -> raw::Response {
    let (start, headers) = request.split_once('\n').unwrap_or((request, ""));
    let mut text = format!("{start} HTTP/1.1\r\nhost: shop.example.com\r\n");
    headers.lines().for_each(|line| text.push_str(&format!("{line}\r\n")));
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    connection.send(format!("{text}\r\n{body}").as_bytes()).await;
    let head = start.starts_with("HEAD ");
    let response = if head { connection.response_to_head().await } else { connection.response().await };
    response.unwrap_or_else(|| panic!("no response to {request:?}"))
}

/// Sends a request over HTTP/2.
async fn send_h2(envoy: &Envoy, request: &str) -> raw::Response {
    let (start, headers) = request.split_once('\n').unwrap_or((request, ""));
    let (method, path) = start.split_once(' ').unwrap();
    let url = format!("http://shop.example.com:{}{path}", envoy.data().port());
    let mut builder = client::h2_of("shop.example.com", envoy.data()).request(method.parse().unwrap(), url);
    for (name, value) in headers.lines().map(|line| line.split_once(": ").unwrap()) {
        builder = builder.header(name, value);
    }
    let response = builder.send().await.unwrap_or_else(|error| panic!("{request:?}: {error:?}"));
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    let status = response.status().as_u16();
    let headers =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let body = response.bytes().await.unwrap_or_else(|error| panic!("{request:?}: {error:?}")).to_vec();
    raw::Response { status, headers, body }
}

/// The headers, sorted, without those that differ between responses and without `content-length: 0`.
fn headers(response: &raw::Response) -> Vec<String> {
    let volatile = ["date", "server", "connection", "transfer-encoding"];
    let lasting = response.headers.iter().filter(|(name, _)| !volatile.contains(&name.as_str()));
    let mut headers: Vec<_> =
        lasting.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    headers.retain(|header| header != "content-length: 0");
    headers.sort();
    headers
}

fn all<'r>(response: &'r raw::Response, name: &str) -> Vec<&'r str> {
    let values = response.headers.iter().filter(|(known, _)| known == name);
    values.map(|(_, value)| std::str::from_utf8(value).unwrap()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ReplyForm {
    Html,
    Json,
    Text,
    /// An empty body.
    Nothing,
}
use ReplyForm::{Html, Json, Nothing, Text};

fn kind(response: &raw::Response) -> ReplyForm {
    match response.header("content-type") {
        Some("text/html; charset=utf-8") if response.text().starts_with("<!doctype html>") => Html,
        Some("application/problem+json") if serde_json::from_slice::<Value>(&response.body).is_ok() => Json,
        Some("text/plain; charset=utf-8") if response.text().starts_with("Down for maintenance") => Text,
        None if response.body.is_empty() => Nothing,
        other => panic!("{other:?}: {}", response.text()),
    }
}

#[tokio::test]
async fn the_form_of_a_reply_follows_the_accept_header() {
    let app = App::start();
    let envoy = refusing(&app, offline(), json!({})).start().await;
    for (request, body, expected) in [
        (&*format!("GET /\naccept: {BROWSER}"), "", Html),
        ("GET /\naccept: text/html", "", Html),
        ("POST /form\naccept: text/html, */*;q=0.1\ncontent-type: application/x-www-form-urlencoded", "a=b", Html),
        ("GET /\naccept: application/json, text/html;q=0.5", "", Json),
        ("GET /\naccept: application/json;q=0.5, text/html", "", Html),
        ("GET /\naccept: text/html;q=0, */*", "", Json),
        ("GET /", "", Json),
        ("GET /\naccept: */*", "", Json),
        ("GET /\naccept: application/json", "", Json),
        ("GET /\naccept: application/problem+json", "", Json),
        ("GET /\naccept: text/event-stream", "", Json),
        ("POST /\ncontent-type: application/json", "{}", Json),
        ("GET /\naccept: text/plain", "", Text),
        ("GET /\naccept: text/plain;q=0.9, application/json;q=0.1", "", Text),
        ("GET /\naccept: image/avif,image/webp,*/*", "", Nothing),
        ("GET /\naccept: font/woff2", "", Nothing),
        ("GET /\naccept: text/css,*/*;q=0.1\nsec-fetch-dest: style", "", Nothing),
        ("GET /\naccept: */*\nsec-fetch-dest: script", "", Nothing),
        ("GET /\naccept: */*\nsec-fetch-dest: empty", "", Json),
        // Two `accept` headers form one list.
        ("GET /\naccept: application/json;q=0.1\naccept: text/html", "", Html),
    ] {
        let answer = send_with(&envoy, request, body).await;
        assert_eq!((answer.status, kind(&answer)), (503, expected), "{request:?}");
        assert_eq!(answer.header("content-length").unwrap_or("0"), answer.body.len().to_string(), "{request:?}");
        for (name, value) in [
            ("x-maintenance-mode", "offline"),
            ("retry-after", "300"),
            ("cache-control", "no-store, max-age=0"),
            ("x-robots-tag", "noindex"),
            ("vary", "accept, origin"),
            ("x-envoy-ratelimited", "true"),
        ] {
            assert_eq!(all(&answer, name), [value], "{request:?}: {name}");
        }
        // reqwest adds its own `accept` header if a request has none.
        if body.is_empty() && request.matches("accept").count() == 1 {
            let over_h2 = send_h2(&envoy, request).await;
            assert_eq!((over_h2.status, over_h2.text()), (503, answer.text()), "{request:?} over h2");
            assert_eq!(headers(&over_h2), headers(&answer), "{request:?} over h2");
        }
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn a_policy_sets_the_form_of_replies_for_all_paths_or_by_path() {
    let app = App::start();
    for (reply, request, expected) in [
        (json!({ "format": "json" }), &*format!("GET /\naccept: {BROWSER}"), Json),
        (json!({ "format": "html" }), "GET /\naccept: application/json", Html),
        (json!({ "format": "text" }), "GET /", Text),
        (json!({ "formats": [{ "paths": ["/api/*"], "format": "json" }] }), "GET /api/a\naccept: text/html", Json),
        (json!({ "formats": [{ "paths": ["/api/*"], "format": "json" }] }), "GET /a\naccept: text/html", Html),
        (
            json!({ "formats": [{ "paths": ["/a"], "format": "text" }, { "paths": ["*"], "format": "html" }] }),
            "GET /a\naccept: application/json",
            Text,
        ),
    ] {
        let envoy = refusing(&app, offline(), reply.clone()).workers(1).start().await;
        assert_eq!(kind(&send(&envoy, request).await), expected, "{reply} {request:?}");
    }
}

#[tokio::test]
async fn problem_json_has_all_members() {
    let app = App::start();
    let state = json!({
        "mode": "offline", "reason": "\"Ümbau\" </b>", "until": "2099-01-02T03:04:05Z", "eta": "2099-01-01T00:00:00Z",
    });
    let reply = json!({ "json": { "error": { "code": 7 }, "help": "https://example.com/" } });
    let envoy = refusing(&app, state, reply).start().await;
    let answer = send(&envoy, "GET /\naccept: application/json").await;
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        problem,
        json!({
            "title": "Closed for maintenance", "status": 503, "detail": "\"Ümbau\" </b>", "site": "shop",
            "mode": "offline", "until": "2099-01-02T03:04:05Z", "eta": "2099-01-01T00:00:00Z", "retry_after": wait,
            "error": { "code": 7 }, "help": "https://example.com/",
        })
    );

    let envoy =
        refusing(&app, json!({ "mode": "read_only" }), json!({ "status": 423, "retry_after": null })).start().await;
    let answer = send(&envoy, "POST /").await;
    assert_eq!((answer.status, answer.header("retry-after")), (423, None));
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        problem,
        json!({
            "title": "Read-only for maintenance", "status": 423, "site": "shop", "mode": "read_only",
            "until": null, "eta": null, "retry_after": null,
        })
    );
}

#[tokio::test]
async fn a_page_of_64_kib_arrives_complete() {
    let app = App::start();
    let template = format!("<!doctype html><p>{{{{reason}}}}{}<p>end", "0123456789abcdef".repeat(4096));
    let page = template.replace("{{reason}}", "Database upgrade");
    let envoy = refusing(&app, offline(), json!({ "html": template })).start().await;
    let mut connection = raw::Connection::open(envoy.data()).await;
    for _ in 0..3 {
        let answer = ask(&mut connection, "GET /\naccept: text/html", "").await;
        assert_eq!((answer.status, answer.body.len()), (503, page.len()));
        assert!(answer.text() == page);
    }
    assert!(send_h2(&envoy, "GET /\naccept: text/html").await.text() == page);
    let head = ask(&mut connection, "HEAD /\naccept: text/html", "").await;
    assert_eq!(head.header("content-length"), Some(&*page.len().to_string()));
    assert_eq!(ask(&mut connection, "GET /\naccept: text/plain", "").await.status, 503);
}
