//! CORS headers of refusals, and preflight requests.

use serde_json::json;

use super::ReplyForm::{Html, Json};
use super::{all, kind, offline, refusing, send, send_h2, send_with};
use crate::support::app::App;
use crate::support::filters;

const PREFLIGHT: &str = "access-control-request-method: PUT\naccess-control-request-headers: content-type,x-token";

#[tokio::test]
async fn preflights_succeed_for_origins_that_may_read_the_refusal() {
    let app = App::start();
    let own = refusing(&app, offline(), json!({})).start().await;
    let origins = ["https://app.example.org", "http://localhost:3000", "*.example.net", "https://preview-*"];
    let listed = refusing(&app, offline(), json!({ "cors": { "origins": origins } })).start().await;
    for (name, envoy, origin, may) in [
        ("own host", &own, "https://shop.example.com", true),
        ("own host, another port", &own, "https://shop.example.com:8443", true),
        ("a host of the wildcard", &own, "https://www.shop.example.com", true),
        ("own host without TLS", &own, "http://shop.example.com", false),
        ("foreign", &own, "https://evil.example", false),
        ("foreign, ends alike", &own, "https://evilshop.example.com", false),
        ("foreign, begins alike", &own, "https://shop.example.com.evil.example", false),
        ("foreign, with user information", &own, "https://shop.example.com@evil.example", false),
        ("null", &own, "null", false),
        ("listed", &listed, "https://app.example.org", true),
        ("listed with its port", &listed, "http://localhost:3000", true),
        ("listed by suffix", &listed, "https://a.example.net", true),
        ("listed by prefix", &listed, "https://preview-7.example", true),
        ("listed, another port", &listed, "http://localhost:3001", false),
        ("own host, but others are listed", &listed, "https://shop.example.com", false),
        ("foreign, others are listed", &listed, "https://evil.example", false),
    ] {
        let preflight = format!("OPTIONS /cart\norigin: {origin}\n{PREFLIGHT}");
        let request = format!("GET /cart\naccept: application/json\norigin: {origin}");
        for answer in [send(envoy, &preflight).await, send_h2(envoy, &preflight).await] {
            assert_eq!(answer.status, if may { 204 } else { 503 }, "{name}: {answer:?}");
            let allowed = |value: &'static str| if may { vec![value] } else { vec![] };
            assert_eq!(all(&answer, "access-control-allow-origin"), if may { vec![origin] } else { vec![] }, "{name}");
            assert_eq!(all(&answer, "access-control-allow-methods"), allowed("PUT"), "{name}");
            assert_eq!(all(&answer, "access-control-allow-headers"), allowed("content-type,x-token"), "{name}");
            assert_eq!(all(&answer, "access-control-allow-credentials"), allowed("true"), "{name}");
            assert_eq!(all(&answer, "access-control-max-age"), allowed("0"), "{name}");
            assert_eq!(all(&answer, "cache-control"), ["no-store, max-age=0"], "{name}");
            assert_eq!(answer.body.is_empty(), may, "{name}");
        }
        for answer in [send(envoy, &request).await, send_h2(envoy, &request).await] {
            assert_eq!((answer.status, kind(&answer)), (503, Json), "{name}");
            let exposed = if may { vec!["retry-after, x-maintenance-mode"] } else { vec![] };
            assert_eq!(all(&answer, "access-control-allow-origin"), if may { vec![origin] } else { vec![] }, "{name}");
            assert_eq!(all(&answer, "access-control-expose-headers"), exposed, "{name}");
        }
    }
    // A preflight has both an origin and a requested method.
    for request in [format!("OPTIONS /\n{PREFLIGHT}"), "OPTIONS /\norigin: https://shop.example.com".to_owned()] {
        assert_eq!(send(&own, &request).await.status, 503, "{request:?}");
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn behind_envoys_cors_filter_no_cors_header_is_duplicated() {
    let app = App::start();
    let policy = json!({ "envoy.filters.http.cors": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{ "exact": "https://shop.example.com" }],
        "expose_headers": "x-own",
    } });
    let envoy = refusing(&app, offline(), json!({}))
        .before(filters::cors())
        .manager(move |manager| manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = policy.clone())
        .start()
        .await;
    let answer = send(&envoy, "GET /\norigin: https://shop.example.com").await;
    assert_eq!((answer.status, kind(&answer)), (503, Json));
    assert_eq!(all(&answer, "access-control-allow-origin"), ["https://shop.example.com"]);
}

#[tokio::test]
async fn a_read_only_site_forwards_preflights_and_refuses_the_request() {
    let app = App::start();
    let envoy = refusing(&app, json!({ "mode": "read_only" }), json!({})).start().await;
    let origin = "origin: https://shop.example.com";
    assert_eq!(send(&envoy, &format!("OPTIONS /\n{origin}\n{PREFLIGHT}")).await.text(), "app");
    let refused = send_with(&envoy, &format!("PUT /\n{origin}\naccept: text/html"), "a").await;
    assert_eq!((refused.status, kind(&refused)), (503, Html));
    assert_eq!(refused.header("x-maintenance-mode"), Some("read_only"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://shop.example.com"));
    assert!(refused.text().contains("Changes are paused"), "{}", refused.text());
    assert_eq!(app.hits(), 1);
}
