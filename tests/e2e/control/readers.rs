//! The short status, and the full status for holders of a read token.

use hyper::Method;
use serde_json::{Value, json};

use super::{DOCUMENT, Scene};
use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::shop;
use crate::support::signer::{Signer, document, now_ms};

#[tokio::test]
async fn a_read_token_permits_the_full_status() {
    let scene =
        Scene::new(|policy| policy["exempt"] = json!([{ "name": "staff", "headers": [{ "name": "x-staff" }] }])).await;
    let Scene { envoy, ops, docs, .. } = &scene;
    let mut closing = document("shop", "offline");
    let more = json!({
        "since": "2026-11-21T02:00:00Z", "until": "2099-11-21T04:00:00Z", "eta": "2099-11-21T03:00:00Z",
        "reason": "Database upgrade", "by": "ops@example.com", "note": "ticket 7",
        "suspend": ["nobody", "acme-challenge"],
        "windows": [{ "id": "w1", "mode": "offline", "from": "2099-12-01T00:00:00Z", "until": "2099-12-01T01:00:00Z" }],
        "past": [{ "mode": "offline", "from": "2026-10-01T00:00:00Z", "until": "2026-10-01T01:00:00Z" }],
        "colour": "red",
    });
    closing.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let digest = shop::push(envoy, ops, &closing).await;
    let client = client::h1();
    for (staff, expected) in [(false, 503), (false, 503), (true, 200)] {
        let request = client.get(envoy.url("/"));
        let request = if staff { request.header("x-staff", "1") } else { request };
        assert_eq!(request.send().await.unwrap().status(), expected);
    }

    let short = json!({
        "site": "shop", "mode": "offline", "active": ["offline"], "revision": closing["revision"], "digest": digest,
        "channel": "push", "workers": { "members": 2, "adopted": 2 },
    });
    assert_eq!(envoy.site("shop").await, short);
    let full = shop::full_status(envoy, ops, "shop").await;
    for (name, value) in short.as_object().unwrap() {
        assert_eq!(full[name], *value, "{name}");
    }
    for name in ["since", "until", "eta", "reason", "by", "note", "suspend", "windows", "past"] {
        assert_eq!(full[name], more[name], "{name}");
    }
    for (name, value) in [
        ("signed_by", json!("ops")),
        ("suspend_unknown", json!(["nobody"])),
        ("unknown_fields", json!(["colour"])),
        ("refused", json!(2)),
        ("bypassed", json!({ "acme-challenge": 0, "staff": 1 })),
        ("declared", json!(false)),
        ("document", closing.clone()),
    ] {
        assert_eq!(full[name], value, "{name}");
    }

    // Every key of the policy may sign a read token.
    for key in [docs, &scene.tasks] {
        assert_eq!(shop::full_status(envoy, key, "shop").await["reason"], "Database upgrade");
    }
    let (status, answer) = envoy.control(Method::GET, "/v1/status", &[]).await;
    assert_eq!(status, 200);
    let (node, process) = answer["envoy"].as_str().unwrap().split_once('/').unwrap();
    assert_eq!((node, process.len(), process.bytes().all(|byte| byte.is_ascii_hexdigit())), ("test", 8, true));
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    assert!(answer["time"].as_str().unwrap().ends_with('Z'), "{answer}");
    assert_eq!(answer["sites"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_invalid_read_token_is_rejected() {
    let scene = Scene::new(|_| {}).await;
    let Scene { envoy, ops, .. } = &scene;
    let now = now_ms() / 1000;
    let claims = |fleet: &str, iat: u64, exp: u64| json!({ "fleet": fleet, "iat": iat, "exp": exp });
    let read = |signer: &Signer, claims: &Value| signer.sign_as("maintenance-read+jwt", claims);
    let stranger = Signer::generate();
    let forged = stranger.sign_parts(
        &json!({ "alg": "EdDSA", "typ": "maintenance-read+jwt", "kid": ops.kid() }),
        claims("test", now, now + 60).to_string().as_bytes(),
    );
    for (case, token, status, code) in [
        ("expired", read(ops, &claims("test", now - 120, now - 1)), 401, "expired"),
        ("valid for longer than five minutes", read(ops, &claims("test", now, now + 301)), 401, "expired"),
        ("issued in the future", read(ops, &claims("test", now + 600, now + 700)), 401, "expired"),
        ("another fleet", read(ops, &claims("prod", now, now + 60)), 401, "not_permitted"),
        ("an unknown key", read(&stranger, &claims("test", now, now + 60)), 401, "unknown_key"),
        ("a forged signature", forged, 401, "bad_signature"),
        ("no exp", read(ops, &json!({ "fleet": "test", "iat": now })), 400, "malformed_document"),
        (
            "a text for a time",
            read(ops, &json!({ "fleet": "test", "iat": now, "exp": "late" })),
            400,
            "malformed_document",
        ),
        ("a state document", ops.sign(&document("shop", "online")), 400, "malformed_document"),
        ("garbage", "a.b".to_owned(), 400, "malformed_document"),
        ("empty", String::new(), 400, "malformed_document"),
        ("too large", "x".repeat(20_000), 413, "too_large"),
    ] {
        // Twice, because the filter caches the result of a check.
        for _ in 0..2 {
            let (seen, answer) = envoy.control(Method::GET, "/v1/status", &[(DOCUMENT, &token)]).await;
            assert_eq!((seen, answer["code"].as_str()), (status, Some(code)), "{case}: {answer}");
            assert_eq!(answer["sites"], Value::Null, "{case}");
        }
    }
    let good = read(ops, &claims("test", now, now + 300));
    for _ in 0..2 {
        let (status, answer) = envoy.control(Method::GET, "/v1/status", &[(DOCUMENT, &good)]).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["sites"][0].get("refused").is_some(), "{answer}");
    }
}

#[tokio::test]
async fn fleets_in_one_envoy_are_separate() {
    let (app, ours, theirs) = (App::start(), Signer::generate(), Signer::generate());
    let other = json!({ "fleet": "other", "sites": [{ "name": "shop" }, { "name": "blog", "paths": ["/blog"] }], "keys": [theirs.entry("ops")] });
    let their_control = json!({ "fleet": "other", "sites": [], "keys": [theirs.entry("ops")], "control": { "path_prefix": "/theirs" } });
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ours))
        .listener("other", &other)
        .listener("their-control", &their_control)
        .control(&shop::control(&ours))
        .workers(1)
        .start()
        .await;
    // A read token of one fleet does not permit the status of another one, even on a worker that has cached the token.
    let token = shop::read_token(&ours);
    for (base, fleet) in
        [(envoy.control_url(""), 200), (format!("http://{}/theirs/", envoy.listener("their-control")), 401)]
    {
        let url = format!("{}/v1/status", base.trim_end_matches('/'));
        let answer = client::h1().get(url).header(DOCUMENT, &token).send().await.unwrap();
        assert_eq!(answer.status(), fleet);
    }
    let (_, answer) = envoy.control(Method::GET, "/v1/status", &[]).await;
    assert_eq!(answer["sites"].as_array().unwrap().len(), 1, "{answer}");
    let (status, answer) = envoy.push("blog", &ours.sign(&document("blog", "offline"))).await;
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_site")));
    let (status, answer) = envoy.push("shop", &theirs.sign(&document("shop", "offline"))).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unknown_key")));
    shop::push(&envoy, &ours, &document("shop", "offline")).await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
    let answer = client::h1().get(format!("http://{}/", envoy.listener("other"))).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
