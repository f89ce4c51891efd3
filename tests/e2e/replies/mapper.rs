//! Envoy's `local_reply_config`, which rewrites local replies.

use serde_json::{Value, json};

use super::{BROWSER, all, headers, offline, refusing, send};
use crate::support::app::App;
use crate::support::eventually;

/// A `local_reply_config` that changes the headers and the body of local replies that match the filter.
fn mapper(filter: Value) -> impl Fn(&mut Value) {
    move |manager| {
        manager["local_reply_config"] = json!({ "mappers": [{
            "filter": filter,
            "headers_to_add": [{ "header": { "key": "x-mapped", "value": "yes" } }],
            "body_format_override": { "text_format_source": { "inline_string": "mapped: %LOCAL_REPLY_BODY%" } },
        }] });
    }
}

#[tokio::test]
async fn a_mapper_for_upstream_failures_does_not_change_refusals() {
    let app = App::start();
    let filter = || json!({ "response_flag_filter": { "flags": ["UF", "UH", "UC", "NR"] } });
    let plain = refusing(&app, offline(), json!({})).start().await;
    let mapped = refusing(&app, offline(), json!({})).manager(mapper(filter())).start().await;
    for accept in [BROWSER, "application/json", "text/plain", "image/png"] {
        let request = format!("GET /\naccept: {accept}");
        let (with, without) = (send(&mapped, &request).await, send(&plain, &request).await);
        assert_eq!((with.status, headers(&with), with.text()), (503, headers(&without), without.text()), "{accept}");
    }
    // The mapper does change Envoy's own failures.
    let open = refusing(&app, json!({ "mode": "online" }), json!({})).manager(mapper(filter())).start().await;
    drop(app);
    let failed = eventually("the application is down", async || {
        let answer = send(&open, "GET /").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((failed.status, failed.header("x-mapped")), (503, Some("yes")), "{failed:?}");
}

#[tokio::test]
async fn a_mapper_for_every_503_changes_the_body_and_keeps_the_headers() {
    let app = App::start();
    let filter = json!({ "status_code_filter": { "comparison": {
        "op": "EQ", "value": { "default_value": 503, "runtime_key": "none" },
    } } });
    let envoy = refusing(&app, offline(), json!({})).manager(mapper(filter)).start().await;
    for (accept, body) in [
        (BROWSER, "mapped: <!doctype html>"),
        ("application/json", "mapped: {\"title\":\"Closed for maintenance\""),
        ("image/png", "mapped: "),
    ] {
        let answer = send(&envoy, &format!("GET /\naccept: {accept}\norigin: https://shop.example.com")).await;
        assert_eq!((answer.status, answer.header("x-mapped")), (503, Some("yes")), "{accept}");
        assert!(answer.text().starts_with(body), "{accept}: {}", answer.text());
        for (name, value) in [
            ("x-maintenance-mode", "offline"),
            ("retry-after", "300"),
            ("cache-control", "no-store, max-age=0"),
            ("x-robots-tag", "noindex"),
            ("x-envoy-ratelimited", "true"),
            ("access-control-allow-origin", "https://shop.example.com"),
        ] {
            assert_eq!(all(&answer, name), [value], "{accept}: {name}");
        }
    }
    // The mapper does not match other statuses.
    let health = send(&envoy, "GET /\nuser-agent: kube-probe/1.31").await;
    assert_eq!((health.status, health.text().as_str(), health.header("x-mapped")), (200, "ok", None));
}
