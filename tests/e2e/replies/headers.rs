//! Redirects, cookies and the responses to HEAD and to health checks.

use serde_json::json;

use super::ReplyForm::{Html, Json};
use super::{BROWSER, all, ask, headers, kind, offline, refusing, send, send_h2};
use crate::support::app::App;
use crate::support::raw;

#[tokio::test]
async fn a_reply_to_head_has_the_headers_of_get_and_no_body() {
    let app = App::start();
    let reply =
        json!({ "redirect": "https://status.example.com/", "formats": [{ "paths": ["/f"], "format": "html" }] });
    let envoy = refusing(&app, offline(), json!({})).start().await;
    let redirecting = refusing(&app, offline(), reply).start().await;
    for (envoy, path_and_headers) in [
        (&envoy, &*format!("/\naccept: {BROWSER}")),
        (&envoy, "/\naccept: application/json"),
        (&envoy, "/\naccept: text/plain"),
        (&envoy, "/\naccept: image/png"),
        (&envoy, "/\naccept: */*\nuser-agent: kube-probe/1.31"),
        (&redirecting, "/\naccept: text/html"),
    ] {
        let (get, head) = (format!("GET {path_and_headers}"), format!("HEAD {path_and_headers}"));
        let mut connection = raw::Connection::open(envoy.data()).await;
        let whole = ask(&mut connection, &get, "").await;
        let answer = ask(&mut connection, &head, "").await;
        assert_eq!((answer.status, headers(&answer)), (whole.status, headers(&whole)), "{head:?}");
        // If there were a body, the next response would start with it.
        assert_eq!(ask(&mut connection, &get, "").await.status, whole.status, "{head:?}");
        let over_h2 = send_h2(envoy, &head).await;
        assert_eq!((over_h2.status, headers(&over_h2)), (whole.status, headers(&whole)), "{head:?} over h2");
        assert!(over_h2.body.is_empty(), "{head:?} over h2");
    }
}

#[tokio::test]
async fn redirects_are_for_browsers_and_not_cacheable() {
    let app = App::start();
    for location in ["https://status.example.com/down?from=shop#now", "/sorry"] {
        let envoy = refusing(&app, offline(), json!({ "redirect": location, "clear_cookies": ["id"] })).start().await;
        let request = format!("GET /a/b\naccept: {BROWSER}");
        for answer in [send(&envoy, &request).await, send_h2(&envoy, &request).await] {
            assert_eq!((answer.status, answer.header("location")), (302, Some(location)));
            assert_eq!(answer.header("cache-control"), Some("no-store, max-age=0"));
            assert_eq!(answer.header("x-maintenance-mode"), Some("offline"));
            assert_eq!(answer.header("set-cookie"), Some("id=; Max-Age=0; Path=/"));
            assert!(answer.body.is_empty());
        }
        let api = send(&envoy, "GET /a/b\naccept: application/json").await;
        assert_eq!((api.status, api.header("location"), kind(&api)), (503, None, Json));
        let fetched = send(&envoy, &format!("POST /a/b\naccept: {BROWSER}")).await;
        assert_eq!((fetched.status, fetched.header("location"), kind(&fetched)), (503, None, Html));
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn cookies_are_expired_by_refusals_only() {
    let app = App::start();
    let reply = json!({ "clear_cookies": ["sessionid", "__Host-id"], "headers": { "X-Team": "ops" } });
    let envoy = refusing(&app, json!({ "mode": "read_only" }), reply).start().await;
    let expected = ["sessionid=; Max-Age=0; Path=/", "__Host-id=; Max-Age=0; Path=/; Secure"];
    for accept in [BROWSER, "application/json", "text/plain", "image/png"] {
        let refused = send(&envoy, &format!("POST /\naccept: {accept}")).await;
        assert_eq!((refused.status, all(&refused, "set-cookie")), (503, expected.to_vec()), "{accept}");
        assert_eq!(refused.header("x-team"), Some("ops"), "{accept}");
    }
    for request in ["GET /", "GET /\nuser-agent: kube-probe/1.31"] {
        let passed = send(&envoy, request).await;
        assert_eq!((passed.status, all(&passed, "set-cookie").len()), (200, 0), "{request:?}");
    }
}

#[tokio::test]
async fn health_checks_succeed_with_every_method_and_protocol_while_the_application_is_down() {
    let app = App::start();
    let envoy = refusing(&app, offline(), json!({ "status": 404, "format": "html" })).start().await;
    drop(app);
    for request in ["GET /", "GET /deep?a=b", "POST /", "GET /\naccept: text/html"] {
        let request = match request.split_once('\n') {
            Some((start, rest)) => format!("{start}\nuser-agent: kube-probe/1.31\n{rest}"),
            None => format!("{request}\nuser-agent: kube-probe/1.31"),
        };
        for answer in [send(&envoy, &request).await, send_h2(&envoy, &request).await] {
            assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{request:?}");
            assert_eq!(answer.header("x-maintenance-mode"), None, "{request:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{request:?}");
        }
    }
    let head = send(&envoy, "HEAD /\nuser-agent: kube-probe/1.31").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("2")));
}
