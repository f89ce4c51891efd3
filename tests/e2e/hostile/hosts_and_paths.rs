//! Unusual spellings of hosts and paths, and forged client addresses.

use serde_json::json;

use super::{assert_healthy, envoy, request, status};
use crate::support::app::App;
use crate::support::envoy::Envoy;

#[tokio::test]
async fn every_spelling_of_a_host_selects_the_same_site() {
    let app = App::start();
    let policy = json!({
        "sites": [
            { "name": "shop", "hosts": ["shop.example.com"] },
            { "name": "six", "hosts": ["[2001:db8::1]"] },
            { "name": "blog", "hosts": ["blog.example.com"] },
        ],
        "state": { "shop": { "mode": "offline" }, "six": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (host, expected) in [
        ("shop.example.com", 503),
        ("SHOP.Example.COM", 503),
        ("shop.example.com:80", 503),
        ("shop.example.com:", 503),
        ("shop.example.com.", 503),
        ("Shop.example.com.:8443", 503),
        ("[2001:db8::1]", 503),
        ("[2001:DB8:0:0::1]:443", 503),
        ("user@blog.example.com", 503),
        ("blog.example.com,shop.example.com", 503),
        ("blog.example.com shop.example.com", 503),
        ("blog..example.com", 503),
        ("", 503),
        ("blog.example.com", 200),
        ("BLOG.example.com.:80", 200),
        ("myshop.example.com", 200),
        ("shop.example.com.evil", 200),
        ("[2001:db8::2]", 200),
    ] {
        let before = app.hits();
        let seen = status(envoy.data(), &request(b"/", &[(b"Host", host.as_bytes())])).await;
        // Envoy itself may reject an invalid host.
        let refused = expected == 503 && matches!(seen, 400 | 404 | 0);
        assert!(seen == expected || refused, "{host:?}: {seen}");
        assert_eq!(app.hits() - before, u64::from(expected == 200), "{host:?}");
    }
    // A target in absolute form overrides the `host` header.
    for (target, host, expected) in [
        (&b"http://shop.example.com/"[..], &b"blog.example.com"[..], 503),
        (b"http://SHOP.example.com:80/x", b"blog.example.com", 503),
        (b"http://blog.example.com/", b"shop.example.com", 200),
    ] {
        assert_eq!(status(envoy.data(), &request(target, &[(b"Host", host)])).await, expected);
    }
    // A request with two hosts has no unambiguous host.
    let before = app.hits();
    let two = request(b"/", &[(b"Host", b"blog.example.com"), (b"Host", b"shop.example.com")]);
    assert_ne!(status(envoy.data(), &two).await, 200);
    assert_eq!(app.hits(), before);
}

#[tokio::test]
async fn an_ambiguous_path_is_not_exempt() {
    let app = App::start();
    let envoy = envoy(&app).await;
    for path in [
        "/public",
        "/publicity",
        "/PUBLIC/a",
        "/public/../x",
        "/public/%2e%2e/x",
        "/public/.%2E/x",
        "/public/a/..",
        "/public/./a",
        "//public/a",
        "/public//a",
        "/public/a%2F..%2fx",
        "/public%2fa",
        "/public/a%5c..%5Cx",
        "/public/..\\x",
        "/public/;/x",
        "/public/a;b",
        "/public/..;/x",
        "/public/%00",
        "/public/a%00b",
        "/public/%",
        "/public/%4",
        "/public/%zz",
        "/public/%c0%ae%c0%ae/x",
        "/public/%e0%80%af",
        "/public/%ff",
        "/x/../public/a",
        "/%2e/public/a",
        "/public/inner/a",
        "/public/inner%2fa",
        "/public/x/../inner/a",
        "*",
        "/x?/public/a",
        "/x#/public/a",
    ] {
        let seen = status(envoy.data(), &request(path.as_bytes(), &[(b"Host", b"a")])).await;
        assert!(matches!(seen, 503 | 400 | 404), "{path}: {seen}");
    }
    let seen = status(envoy.data(), &request(b"/public/\xff\xfe", &[(b"Host", b"a")])).await;
    assert!(matches!(seen, 503 | 400 | 0), "raw bytes: {seen}");
    assert_eq!(app.paths(), Vec::<String>::new());
    for path in ["/public/a", "/%70ublic/a", "/public/a%20b?c=../..", "/public/"] {
        assert_eq!(status(envoy.data(), &request(path.as_bytes(), &[(b"Host", b"a")])).await, 200, "{path}");
    }
    assert_healthy(&envoy).await;
}

#[tokio::test]
async fn forged_client_addresses_are_ignored() {
    let app = App::start();
    let envoy = envoy(&app).await;
    for value in [
        "203.0.113.7",
        "10.0.0.1, 203.0.113.7",
        "203.0.113.7, 10.1.1.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "[2001:db8::1]:80",
    ] {
        for name in [
            "x-forwarded-for",
            "X-Forwarded-For",
            "forwarded",
            "x-real-ip",
            "x-envoy-external-address",
            "true-client-ip",
        ] {
            let bytes = request(b"/", &[(b"Host", b"a"), (name.as_bytes(), value.as_bytes())]);
            assert_eq!(status(envoy.data(), &bytes).await, 503, "{name}: {value}");
        }
    }
    assert_eq!(app.hits(), 0);
}
