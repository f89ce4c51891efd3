//! The control endpoint: every answer that it has, and that what it refuses changes nothing.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, base64, document, now_ms};
use crate::support::{eventually, shop};

mod clock;
mod prefix;
mod readers;

const DOCUMENT: &str = "x-maintenance-document";

/// An Envoy with the sites `shop` and `docs`, and the keys that its policies know.
struct Scene {
    app: App,
    envoy: Envoy,
    ops: Signer,
    docs: Signer,
    tasks: Signer,
}

impl Scene {
    async fn new(change: impl Fn(&mut Value)) -> Scene {
        let (app, ops, docs, tasks) = (App::start(), Signer::generate(), Signer::generate(), Signer::generate());
        let keys = json!([
            ops.entry("ops"),
            { "name": "docs", "jwk": docs.jwk(), "sites": ["docs"], "may": ["state"] },
            { "name": "tasks", "jwk": tasks.jwk(), "sites": ["*"], "may": ["task", "pass"] },
        ]);
        let mut policy = json!({
            "fleet": "test", "keys": keys,
            "sites": [{ "name": "shop" }, { "name": "docs", "paths": ["/docs"] }],
        });
        change(&mut policy);
        let mut control = shop::control(&ops);
        control["keys"] = keys;
        let envoy = Envoy::builder(app.address()).policy(&policy).control(&control).start().await;
        Scene { app, envoy, ops, docs, tasks }
    }

    /// A document that closes `shop` and would be taken, were nothing wrong with it.
    fn closing(&self) -> Value {
        let mut closing = document("shop", "offline");
        closing["revision"] = (now_ms() + 1000).into();
        closing
    }

    async fn put(&self, site: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        self.envoy.control(Method::PUT, &format!("/v1/sites/{site}"), headers).await
    }
}

#[tokio::test]
async fn what_is_refused_has_its_code_and_changes_nothing() {
    let scene = Scene::new(|_| {}).await;
    let Scene { app, envoy, ops, docs, tasks } = &scene;
    let stranger = Signer::generate();
    let first = document("shop", "online");
    let digest = shop::push(envoy, ops, &first).await;
    // Who has adopted is no matter of what is refused: a machine that is busy elsewhere makes workers late.
    let status = async || {
        let mut seen = shop::full_status(envoy, ops, "shop").await;
        seen["workers"].take();
        seen
    };
    let before = status().await;

    let with = |name: &str, value: Value| {
        let mut document = scene.closing();
        document[name] = value;
        document
    };
    let without = |name: &str| {
        let mut document = scene.closing();
        document.as_object_mut().unwrap().remove(name);
        document
    };
    let header = |alg: &str| json!({ "alg": alg, "typ": "maintenance-state+jwt", "kid": ops.kid() });
    let good = ops.sign(&scene.closing());
    let parts: Vec<&str> = good.split('.').collect();
    let closing = scene.closing().to_string();
    let as_ops = |payload: &[u8]| ops.sign_parts(&header("EdDSA"), payload);
    let (malformed, bad_signature, not_permitted) =
        ((400, "malformed_document"), (401, "bad_signature"), (401, "not_permitted"));
    let cases = [
        ("a stranger's key", stranger.sign(&scene.closing()), (401, "unknown_key")),
        (
            "a stranger's signature under a known key's id",
            stranger.sign_parts(&header("EdDSA"), closing.as_bytes()),
            bad_signature,
        ),
        (
            "another payload under a good signature",
            format!("{}.{}.{}", parts[0], base64(with("mode", "read_only".into()).to_string().as_bytes()), parts[2]),
            bad_signature,
        ),
        // Nothing but its time is read before its signature is.
        (
            "a stranger's document that cannot be read",
            stranger.forge(ops, &with("mode", "closed".into())),
            bad_signature,
        ),
        ("a stranger's document for another fleet", stranger.forge(ops, &with("fleet", "prod".into())), bad_signature),
        ("a stranger's document of last year", stranger.forge(ops, &with("revision", 1.into())), (401, "too_old")),
        ("a stranger's document without a time", stranger.forge(ops, &without("revision")), malformed),
        ("alg none", ops.sign_parts(&header("none"), closing.as_bytes()), bad_signature),
        ("alg HS256", ops.sign_parts(&header("HS256"), closing.as_bytes()), bad_signature),
        ("a key for another site", docs.sign(&scene.closing()), not_permitted),
        ("a key for other kinds", tasks.sign(&scene.closing()), not_permitted),
        ("another fleet", ops.sign(&with("fleet", "prod".into())), not_permitted),
        ("six minutes old", ops.sign(&with("revision", (now_ms() - 6 * 60_000).into())), (401, "too_old")),
        ("six minutes ahead", ops.sign(&with("revision", (now_ms() + 6 * 60_000).into())), (401, "too_old")),
        ("eleven minutes ahead", ops.sign(&with("revision", (now_ms() + 11 * 60_000).into())), (401, "too_old")),
        ("above 2^53 - 1", ops.sign(&with("revision", (1_u64 << 53).into())), malformed),
        (
            "an older revision",
            ops.sign(&with("revision", (first["revision"].as_u64().unwrap() - 1).into())),
            (409, "stale_revision"),
        ),
        (
            "a critical field unknown here",
            ops.sign(&{
                let mut document = with("critical", json!(["quorum"]));
                document["quorum"] = 3.into();
                document
            }),
            (400, "unsupported"),
        ),
        ("about another site", ops.sign(&with("site", "docs".into())), malformed),
        ("no site", ops.sign(&without("site")), malformed),
        ("no fleet", ops.sign(&without("fleet")), malformed),
        ("no revision", ops.sign(&without("revision")), malformed),
        ("no mode", ops.sign(&without("mode")), malformed),
        ("an unknown mode", ops.sign(&with("mode", "closed".into())), malformed),
        ("a negative revision", ops.sign(&with("revision", (-1).into())), malformed),
        ("an unreadable time", ops.sign(&with("until", "tomorrow".into())), malformed),
        (
            "a window that ends before it begins",
            ops.sign(&with(
                "windows",
                json!([{ "id": "w", "mode": "offline",
            "from": "2026-11-21T02:00:00Z", "until": "2026-11-21T01:00:00Z" }]),
            )),
            malformed,
        ),
        ("a list", as_ops(b"[]"), malformed),
        ("no JSON", as_ops(b"{"), malformed),
        ("no UTF-8", as_ops(b"{\"site\":\"\xff\"}"), malformed),
        ("a member twice", as_ops(closing.replace("{\"", "{\"mode\":\"online\",\"").as_bytes()), malformed),
        ("deep nesting", as_ops("[".repeat(4000).as_bytes()), malformed),
        ("another kind of token", ops.sign_as("maintenance-read+jwt", &scene.closing()), malformed),
        (
            "no key id",
            ops.sign_parts(&json!({ "alg": "EdDSA", "typ": "maintenance-state+jwt" }), closing.as_bytes()),
            malformed,
        ),
        ("two parts", parts[..2].join("."), malformed),
        ("four parts", format!("{good}.{}", parts[2]), malformed),
        ("half a signature", good[..good.len() - 40].to_owned(), malformed),
        ("garbage", "%00{}..//".to_owned(), malformed),
        ("three times nothing", "..".to_owned(), malformed),
        ("an empty header", String::new(), malformed),
        ("a document over 8 KiB", ops.sign(&with("reason", "x".repeat(8 * 1024).into())), (413, "too_large")),
        ("a token over its limit", "x".repeat(16 * 1024), (413, "too_large")),
    ];
    for (what, token, (expected, code)) in &cases {
        let (seen, answer) = scene.put("shop", &[(DOCUMENT, token)]).await;
        assert_eq!((seen, answer["code"].as_str()), (*expected, Some(*code)), "{what}: {answer}");
        assert_eq!(answer["status"], *expected, "{what}: {answer}");
        assert!(answer["title"].is_string() && answer["detail"].is_string(), "{what}: {answer}");
        if *code == "stale_revision" {
            let current = json!({ "revision": first["revision"], "digest": digest, "mode": "online" });
            assert_eq!(answer["current"], current, "{what}");
        }
        assert_eq!(status().await, before, "{what}");
    }
    let (seen, answer) = scene.put("shop", &[]).await;
    assert_eq!((seen, &answer["code"]), (400, &json!("malformed_document")), "no header at all");
    let (seen, answer) = scene.put("shops", &[(DOCUMENT, &ops.sign(&document("shops", "offline")))]).await;
    assert_eq!((seen, &answer["code"]), (404, &json!("unknown_site")), "{answer}");

    // Once every worker has taken a later document of another site, each has looked, and `shop` is as open as it was.
    shop::push(envoy, docs, &document("docs", "offline")).await;
    for _ in 0..20 {
        assert_eq!(shop::get(envoy, "/").await, 200);
    }
    assert_eq!(app.hits(), 20);
    assert_eq!(shop::get(envoy, "/docs/a").await, 503);
    assert_eq!(status().await, before);
    assert!(!envoy.log_contains("panick"), "{}", envoy.log());

    // Nothing but what was wrong with them was wrong with them.
    shop::push(envoy, ops, &scene.closing()).await;
    assert_eq!(shop::get(envoy, "/").await, 503);
}

#[tokio::test]
async fn problems_and_answers_are_json_that_nobody_may_store() {
    let scene = Scene::new(|_| {}).await;
    let client = client::h1();
    for (method, path, token, status, content_type, allow) in [
        (Method::GET, "/v1/status", None, 200, "application/json", None),
        (
            Method::PUT,
            "/v1/sites/shop",
            Some(scene.ops.sign(&document("shop", "online"))),
            200,
            "application/json",
            None,
        ),
        (Method::PUT, "/v1/sites/shop", None, 400, "application/problem+json", None),
        (Method::PUT, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::HEAD, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::DELETE, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::GET, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::POST, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::DELETE, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::GET, "/v1/nothing", None, 404, "application/problem+json", None),
        (Method::GET, "/v2/status", None, 404, "application/problem+json", None),
        (Method::GET, "/v1/status/", None, 404, "application/problem+json", None),
        (Method::GET, "/", None, 404, "application/problem+json", None),
        (Method::GET, "", None, 404, "application/problem+json", None),
        (Method::PUT, "/v1/sites/", None, 404, "application/problem+json", None),
        (Method::PUT, "/v1/sites/shop/x", None, 404, "application/problem+json", None),
    ] {
        let what = format!("{method} {path}");
        let mut request = client.request(method.clone(), scene.envoy.control_url(path));
        if let Some(token) = token {
            request = request.header(DOCUMENT, token);
        }
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(header("content-type").as_deref(), Some(content_type), "{what}");
        assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{what}");
        assert_eq!(header("allow").as_deref(), allow, "{what}");
        if method != Method::HEAD {
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            let code = match status {
                404 => json!("not_found"),
                405 => json!("method_not_allowed"),
                400 => json!("malformed_document"),
                _ => Value::Null,
            };
            assert_eq!(body["code"], code, "{what}");
        }
    }
    // Beside the prefix, and where a path can be read in two ways, there is nothing; and nothing ever goes on from here.
    let root = scene.envoy.control_url("").replace("/.maintenance", "");
    for path in ["/", "/.maintenances/v1/status", "/x", "//.maintenance/v1/status", "/.maintenance/v1//status"] {
        let answer = client.get(format!("{root}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(scene.app.hits(), 0);
}

#[tokio::test]
async fn the_control_endpoint_is_only_where_a_policy_has_it() {
    let scene = Scene::new(|_| {}).await;
    assert_eq!(shop::get(&scene.envoy, "/.maintenance/v1/status").await, 200);
    assert_eq!(scene.app.hits_of("/.maintenance/v1/status"), 1);

    let both = Scene::new(|policy| policy["control"] = json!({ "path_prefix": "/.own" })).await;
    let answer = client::h1().get(both.envoy.url("/.own/v1/status")).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("\"shop\""));
    assert_eq!(both.app.hits(), 0);
    assert_eq!(shop::get(&both.envoy, "/").await, 200);
    assert_eq!(shop::get(&both.envoy, "/.owner").await, 200);
    // It answers while the site is closed, too.
    shop::push(&both.envoy, &both.ops, &document("shop", "offline")).await;
    assert_eq!(shop::get(&both.envoy, "/.own/v1/status").await, 200);
    assert_eq!(shop::get(&both.envoy, "/").await, 503);
}

#[tokio::test]
async fn a_document_is_taken_and_the_same_again_is_no_error() {
    let scene = Scene::new(|_| {}).await;
    let document = scene.closing();
    let token = scene.ops.sign(&document);
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(scene.envoy.push("shop", &token).await);
    }
    let (status, first) = &answers[0];
    assert_eq!((*status, &first["site"], &first["revision"]), (200, &json!("shop"), &document["revision"]));
    assert_eq!(first["digest"].as_str().unwrap().len(), 64);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    scene.envoy.wait_adopted("shop", &document["revision"]).await;
    assert_eq!(shop::get(&scene.envoy, "/").await, 503);

    // `alg` may have its newer name.
    let newer = scene.closing();
    let header = json!({ "alg": "Ed25519", "typ": "maintenance-state+jwt", "kid": scene.ops.kid() });
    let (status, answer) = scene.envoy.push("shop", &scene.ops.sign_parts(&header, newer.to_string().as_bytes())).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn between_equal_revisions_the_greater_digest_is_newer() {
    let scene = Scene::new(|_| {}).await;
    let revision = now_ms();
    let with = |reason: &str| json!({ "site": "shop", "fleet": "test", "revision": revision, "mode": "offline", "reason": reason });
    let mut documents = [with("a"), with("b"), with("c")];
    let digest = |document: &Value| hmac_sha256::Hash::hash(document.to_string().as_bytes());
    documents.sort_by_key(digest);
    let [least, middle, greatest] = &documents;
    for (document, expected) in [(middle, 200), (least, 409), (greatest, 200), (middle, 409), (greatest, 200)] {
        let (status, answer) = scene.envoy.push("shop", &scene.ops.sign(document)).await;
        assert_eq!(status, expected, "{answer}");
    }
    let held = shop::full_status(&scene.envoy, &scene.ops, "shop").await;
    assert_eq!(held["reason"], greatest["reason"]);
}

#[tokio::test]
async fn if_match_takes_a_document_only_after_the_one_that_it_names() {
    let scene = Scene::new(|_| {}).await;
    let next = |mode: &str, later: u64| {
        let mut document = document("shop", mode);
        document["revision"] = (document["revision"].as_u64().unwrap() + later).into();
        document
    };
    let put = async |document: &Value, tag: &str| {
        scene.put("shop", &[(DOCUMENT, &scene.ops.sign(document)), ("if-match", tag)]).await
    };
    let nowhere = format!("\"{}\"", "0".repeat(64));

    let first = next("offline", 0);
    let (status, answer) = put(&first, &nowhere).await;
    assert_eq!((status, &answer["code"], &answer["current"]), (412, &json!("conflict"), &Value::Null), "{answer}");
    assert_eq!(scene.envoy.site("shop").await["mode"], "online");
    let (status, answer) = put(&first, "\"*\"").await;
    assert_eq!(status, 200, "{answer}");
    let digest = answer["digest"].as_str().unwrap().to_owned();

    let second = next("read_only", 2);
    for tag in [nowhere.as_str(), "\"*\"", "", "garbage"] {
        let (status, answer) = put(&second, tag).await;
        assert_eq!((status, &answer["code"]), (412, &json!("conflict")), "{tag}: {answer}");
        let current = json!({ "revision": first["revision"], "digest": digest, "mode": "offline" });
        assert_eq!(answer["current"], current, "{tag}");
        assert_eq!(scene.envoy.site("shop").await["mode"], "offline", "{tag}");
    }
    assert_eq!(put(&second, &format!("\"{digest}\"")).await.0, 200);
    assert_eq!(scene.envoy.site("shop").await["mode"], "read_only");
    // It was written; that its own writer asks again is no conflict.
    assert_eq!(put(&second, &format!("\"{digest}\"")).await.0, 200);
}

#[tokio::test]
async fn of_many_who_write_at_once_on_the_same_document_one_wins() {
    let scene = Scene::new(|_| {}).await;
    let revision = now_ms();
    let writers = (0..20).map(|writer| {
        let mut document = document("shop", "offline");
        document["revision"] = (revision + writer).into();
        let token = scene.ops.sign(&document);
        let scene = &scene;
        async move { scene.put("shop", &[(DOCUMENT, &token), ("if-match", "\"*\"")]).await }
    });
    let answers = futures::future::join_all(writers).await;
    let won: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(status, answer)| *status == 200 || answer["code"] == "conflict"), "{answers:?}");
    assert_eq!(scene.envoy.site("shop").await["digest"], won[0].1["digest"]);
}

#[tokio::test]
async fn a_declared_site_takes_no_push() {
    let scene =
        Scene::new(|policy| policy["state"] = json!({ "shop": { "mode": "read_only", "reason": "git" } })).await;
    let before = scene.envoy.site("shop").await;
    assert_eq!((&before["mode"], &before["channel"]), (&json!("read_only"), &json!("policy")));
    let (status, answer) = scene.envoy.push("shop", &scene.ops.sign(&scene.closing())).await;
    assert_eq!((status, &answer["code"]), (409, &json!("declared")), "{answer}");
    // Another site of the policy is not declared.
    shop::push(&scene.envoy, &scene.ops, &document("docs", "offline")).await;
    scene.envoy.wait_for_workers("shop").await;
    let after = scene.envoy.site("shop").await;
    assert_eq!((&after["mode"], &after["digest"]), (&before["mode"], &before["digest"]));
    assert_eq!(shop::get(&scene.envoy, "/").await, 200);
}

#[tokio::test]
async fn too_many_signatures_in_a_second_are_busy_and_the_next_second_is_not() {
    let (app, ops, stranger) = (App::start(), Signer::generate(), Signer::generate());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(1)
        .start()
        .await;
    let forged = stranger.forge(&ops, &document("shop", "offline"));
    eventually("the budget is used up", async || {
        let (status, answer) = envoy.push("shop", &forged).await;
        match status {
            401 => assert_eq!(answer["code"], "bad_signature"),
            _ => assert_eq!((status, &answer["code"]), (429, &json!("busy"))),
        }
        (status == 429).then_some(())
    })
    .await;
    assert_eq!(envoy.site("shop").await["mode"], "online");
    let closing = document("shop", "offline");
    eventually("an operator is heard again", async || {
        let (status, answer) = envoy.push("shop", &ops.sign(&closing)).await;
        assert!(status == 200 || answer["code"] == "busy", "{answer}");
        (status == 200).then_some(())
    })
    .await;
}
