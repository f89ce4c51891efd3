//! Requests that servers interpret differently do not pass a closed site.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw::{self, Response};

async fn exchange(envoy: &Envoy, line: &str, headers: &str) -> Response {
    let bytes = format!("{line} HTTP/1.1\r\n{headers}\r\n");
    raw::exchange(envoy.data(), bytes.as_bytes()).await.unwrap_or_else(|| panic!("no response to {line}"))
}

/// Sends every path with the path normalization of Envoy's defaults, of Istio's BASE and of the shipped bootstraps.
#[tokio::test]
async fn no_spelling_of_a_closed_path_reaches_the_application() {
    let policy = json!({
        "sites": [{ "name": "checkout", "hosts": ["a"], "paths": ["/checkout"] }, { "name": "rest", "hosts": ["a"] }],
        "always_closed": [{ "name": "beta", "paths": ["/beta/*"] }],
        "state": { "checkout": { "mode": "offline" } },
    });
    for setting in [
        json!({}),
        json!({ "normalize_path": true }),
        json!({
            "normalize_path": true, "merge_slashes": true, "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        }),
    ] {
        let app = App::start();
        let patch = setting.clone();
        let manager =
            move |manager: &mut Value| manager.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let envoy = Envoy::builder(app.address()).policy(&policy).manager(manager).start().await;
        for path in [
            "/m/%252E%252e/checkout",
            "/m/%25252e%252e/checkout/now",
            "/m%5Cn%2F%2E.%2Fcheckout",
            "/m%2F%3Bn%2F..%2Fcheckout",
            "/m\\n/..%255Ccheckout",
            "/m//%2e%2e%3bv=1/beta/x",
            "/m/..%00/checkout",
            "/m/.%09./beta/x",
            "/m/%c0%ae%c0%ae/checkout",
            "/checkout%3Bv",
            "/checkout%23v",
            "/%2563heckout",
            "/chec%09kout",
            "//elsewhere/checkout",
            "/%5celsewhere%5ccheckout",
            "/x%2f..%2fbeta%2fy",
            "/beta%2fy",
            "/beta%5c%2fy",
        ] {
            if path.starts_with("//e") && setting["merge_slashes"] == true {
                // Envoy merges the slashes, for the application too.
                continue;
            }
            let before = app.hits();
            let answer = exchange(&envoy, &format!("GET {path}"), "Host: a\r\n").await;
            // Envoy itself rejects or redirects some of these paths.
            assert!(matches!(answer.status, 503 | 400 | 307 | 308 | 404), "{setting} {path}: {}", answer.status);
            assert_eq!(app.hits(), before, "{setting} {path}");
        }
        for path in ["/api/v4/projects/group%20x/project", "/cart;jsessionid=1", "/caf%C3%A9", "/m%25n", "/checkouts"] {
            assert_eq!(exchange(&envoy, &format!("GET {path}"), "Host: a\r\n").await.status, 200, "{setting} {path}");
        }
    }
    // Without a site or rule by path, none of these paths is refused.
    let app = App::start();
    let policy = json!({ "sites": [{ "name": "a", "hosts": ["a"] }, { "name": "b", "hosts": ["b"] }], "state": { "b": { "mode": "offline" } } });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for path in ["/m/../checkout", "/api/v4/projects/group%2Fproject", "//x/y", "/m%5Cn%2F..%2Fcheckout", "/a;b//c%23"]
    {
        assert_eq!(exchange(&envoy, &format!("GET {path}"), "Host: a\r\n").await.status, 200, "{path}");
    }
    assert_eq!(exchange(&envoy, "GET //b/y", "Host: a\r\n").await.status, 503);
}

#[tokio::test]
async fn only_a_get_of_a_challenge_token_passes_as_an_acme_challenge() {
    let app = App::start();
    let policy = json!({ "state": { "default": { "mode": "offline" } } });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    const PREFIX: &str = "/.well-known/acme-challenge/";
    for (method, token, expected) in [
        ("GET", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA", 200),
        ("HEAD", "DGyRejmCefe7v4NfDGDKfA", 200),
        ("POST", "DGyRejmCefe7v4NfDGDKfA", 503),
        ("GET", "a/b", 503),
        ("GET", "a?b", 503),
        ("GET", "%61", 503),
        ("GET", "%252e%252e%252f%252e%252e%252fcart", 503),
        ("GET", "", 503),
    ] {
        let line = format!("{method} {PREFIX}{token}");
        let mut connection = raw::Connection::open(envoy.data()).await;
        connection.send(format!("{line} HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        let answer = if method == "HEAD" { connection.response_to_head().await } else { connection.response().await };
        assert_eq!(answer.expect("a response").status, expected, "{line}");
    }
}

#[tokio::test]
async fn connect_to_a_host_with_a_closed_site_is_refused() {
    let app = App::start();
    let policy = json!({
        "sites": [
            { "name": "checkout", "hosts": ["a"], "paths": ["/checkout"] },
            { "name": "b", "hosts": ["b"] },
        ],
        "exempt": [{ "name": "staff", "headers": [{ "name": "x-staff" }] }],
        "state": { "checkout": { "mode": "offline" } },
    });
    let tunnel = |manager: &mut Value| {
        manager["upgrade_configs"] = json!([{ "upgrade_type": "CONNECT" }]);
        let route = json!({ "match": { "connect_matcher": {} }, "route": {
            "cluster": "app", "upgrade_configs": [{ "upgrade_type": "CONNECT", "connect_config": {} }],
        } });
        manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap().insert(0, route);
    };
    let envoy = Envoy::builder(app.address()).policy(&policy).manager(tunnel).start().await;
    for (host, headers, expected) in [("a:443", "", 503), ("a:443", "x-staff: 1\r\n", 503), ("b:443", "", 200)] {
        let mut connection = raw::Connection::open(envoy.data()).await;
        connection.send(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").as_bytes()).await;
        // The body of a tunnel does not end.
        let answer = connection.response_to_head().await.expect("a response");
        assert_eq!(answer.status, expected, "{host} {headers}");
    }
}

#[tokio::test]
async fn always_closed_rules_match_every_interpretation_of_a_request() {
    let app = App::start();
    let policy = json!({ "always_closed": [
        { "name": "purge", "methods": ["PURGE"] },
        { "name": "query", "query": [{ "name": "trace", "value": "on" }] },
        { "name": "cookie", "cookies": [{ "name": "trace", "value": "on" }] },
    ] });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (line, headers, expected) in [
        ("PURGE /", "", 503),
        ("POST /", "x-http-method-override: purge\r\ncontent-length: 0\r\n", 503),
        ("POST /", "content-length: 0\r\n", 200),
        ("GET /?a=b;trace=on", "", 503),
        ("GET /?a=b&trace=on", "", 503),
        ("GET /?a=b;traced=on", "", 200),
        ("GET /", "cookie: a=b; trace=\"on\"\r\n", 503),
        ("GET /", "cookie: a=b; trace=\"off\"\r\n", 200),
    ] {
        assert_eq!(exchange(&envoy, line, &format!("Host: a\r\n{headers}")).await.status, expected, "{line} {headers}");
    }
}

#[tokio::test]
async fn a_redirect_exempts_exactly_its_target() {
    let app = App::start();
    let policy = json!({
        "sites": [{ "name": "shop", "hosts": ["shop.example.com", "*.shop.example.com"] }],
        "reply": { "redirect": "https://shop.example.com:8443/sorry" },
        "state": { "shop": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (line, host, accept, expected) in [
        ("GET /sorry", "shop.example.com:8443", "text/html", 200),
        ("POST /sorry", "shop.example.com:8443", "text/html", 503),
        ("GET /sorry", "shop.example.com", "*/*", 503),
        ("GET /sorry", "a.shop.example.com:8443", "*/*", 503),
        ("GET /cart", "shop.example.com", "text/html", 302),
    ] {
        let headers = format!("Host: {host}\r\naccept: {accept}\r\ncontent-length: 0\r\n");
        assert_eq!(exchange(&envoy, line, &headers).await.status, expected, "{line} {host}");
    }
    // A refused redirect target gets the page, because a redirect would loop.
    let policy = json!({ "reply": { "redirect": "/sorry" }, "state": { "default": { "mode": "offline" } } });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (line, expected) in [("GET /cart", 302), ("GET /sorry", 503)] {
        assert_eq!(exchange(&envoy, line, "Host: a\r\naccept: text/html\r\n").await.status, expected, "{line}");
    }
}

#[tokio::test]
async fn always_closed_rules_do_not_clear_cookies() {
    let app = App::start();
    let policy = json!({
        "always_closed": [{ "name": "beta", "paths": ["/beta"] }],
        "reply": { "clear_cookies": ["session"] },
        "sites": [{ "name": "open", "hosts": ["open"] }, { "name": "closed", "hosts": ["closed"] }],
        "state": { "closed": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (host, path, clears) in [("open", "/beta", false), ("closed", "/", true), ("closed", "/beta", false)] {
        let answer = exchange(&envoy, &format!("GET {path}"), &format!("Host: {host}\r\n")).await;
        assert_eq!((answer.status, answer.header("set-cookie").is_some()), (503, clears), "{host}{path}");
    }
}
