//! Documents that the control endpoint refuses.

use serde_json::{Value, json};

use super::{DOCUMENT, Scene};
use crate::support::shop;
use crate::support::signer::{Signer, base64, document, now_ms};

/// A token, and the status and the error code of the response to it.
type RejectedToken = (&'static str, String, u16, &'static str);

const MALFORMED: (u16, &str) = (400, "malformed_document");
const BAD_SIGNATURE: (u16, &str) = (401, "bad_signature");
const NOT_PERMITTED: (u16, &str) = (401, "not_permitted");
const TOO_OLD: (u16, &str) = (401, "too_old");
const TOO_LARGE: (u16, &str) = (413, "too_large");

/// Makes tokens from a document that would be accepted, each with one mistake.
struct Mistakes<'a> {
    scene: &'a Scene,
    stranger: Signer,
    good: String,
    rejections: Vec<RejectedToken>,
}

impl Mistakes<'_> {
    fn add(&mut self, mistake: &'static str, token: String, (status, code): (u16, &'static str)) {
        self.rejections.push((mistake, token, status, code));
    }

    fn with(&self, name: &str, value: impl Into<Value>) -> Value {
        let mut document = self.scene.closing();
        document[name] = value.into();
        document
    }

    fn without(&self, name: &str) -> Value {
        let mut document = self.scene.closing();
        document.as_object_mut().unwrap().remove(name);
        document
    }

    /// The header of a token that the key of `ops` signs.
    fn header(&self, alg: &str) -> Value {
        json!({ "alg": alg, "typ": "maintenance-state+jwt", "kid": self.scene.ops.kid() })
    }

    fn keys_and_signatures(&mut self) {
        let Scene { ops, docs, tasks, .. } = self.scene;
        let closing = self.scene.closing();
        let text = closing.to_string();
        let parts: Vec<&str> = self.good.split('.').collect();
        let other_payload = base64(self.with("mode", "read_only").to_string().as_bytes());
        let swapped = format!("{}.{other_payload}.{}", parts[0], parts[2]);
        self.add("another payload under a valid signature", swapped, BAD_SIGNATURE);
        self.add("an unknown key", self.stranger.sign(&closing), (401, "unknown_key"));
        let token = self.stranger.sign_parts(&self.header("EdDSA"), text.as_bytes());
        self.add("an unknown key's signature under a known key id", token, BAD_SIGNATURE);
        // The filter checks the time before the signature, and everything else after it.
        for (mistake, document, expected) in [
            ("a forged document with an unknown mode", self.with("mode", "closed"), BAD_SIGNATURE),
            ("a forged document for another fleet", self.with("fleet", "prod"), BAD_SIGNATURE),
            ("a forged document of last year", self.with("revision", 1), TOO_OLD),
            ("a forged document without a time", self.without("revision"), MALFORMED),
        ] {
            self.add(mistake, self.stranger.forge(ops, &document), expected);
        }
        for alg in ["none", "HS256"] {
            self.add("another algorithm", ops.sign_parts(&self.header(alg), text.as_bytes()), BAD_SIGNATURE);
        }
        self.add("a key for another site", docs.sign(&closing), NOT_PERMITTED);
        self.add("a key for other kinds of token", tasks.sign(&closing), NOT_PERMITTED);
    }

    fn values(&mut self, last: u64) {
        let minute = 60_000;
        let mut critical = self.with("critical", json!(["quorum"]));
        critical["quorum"] = 3.into();
        let window = json!([{
            "id": "w", "mode": "offline", "from": "2026-11-21T02:00:00Z", "until": "2026-11-21T01:00:00Z",
        }]);
        for (mistake, document, expected) in [
            ("another fleet", self.with("fleet", "prod"), NOT_PERMITTED),
            ("six minutes old", self.with("revision", now_ms() - 6 * minute), TOO_OLD),
            ("six minutes ahead", self.with("revision", now_ms() + 6 * minute), TOO_OLD),
            ("eleven minutes ahead", self.with("revision", now_ms() + 11 * minute), TOO_OLD),
            ("a revision above 2^53 - 1", self.with("revision", 1_u64 << 53), MALFORMED),
            ("an older revision", self.with("revision", last - 1), (409, "stale_revision")),
            ("an unknown critical field", critical, (400, "unsupported")),
            ("another site than the path", self.with("site", "docs"), MALFORMED),
            ("no site", self.without("site"), MALFORMED),
            ("no fleet", self.without("fleet"), MALFORMED),
            ("no revision", self.without("revision"), MALFORMED),
            ("no mode", self.without("mode"), MALFORMED),
            ("an unknown mode", self.with("mode", "closed"), MALFORMED),
            ("a negative revision", self.with("revision", -1), MALFORMED),
            ("an invalid time", self.with("until", "tomorrow"), MALFORMED),
            ("a window that ends before it starts", self.with("windows", window), MALFORMED),
            ("a document over 8 KiB", self.with("reason", "x".repeat(8 * 1024)), TOO_LARGE),
        ] {
            self.add(mistake, self.scene.ops.sign(&document), expected);
        }
    }

    fn syntax(&mut self) {
        let ops = &self.scene.ops;
        let closing = self.scene.closing();
        let twice = closing.to_string().replace("{\"", "{\"mode\":\"online\",\"");
        for (mistake, payload) in [
            ("a list", &b"[]"[..]),
            ("invalid JSON", b"{"),
            ("invalid UTF-8", b"{\"site\":\"\xff\"}"),
            ("a duplicate member", twice.as_bytes()),
            ("deep nesting", "[".repeat(4000).as_bytes()),
        ] {
            self.add(mistake, ops.sign_parts(&self.header("EdDSA"), payload), MALFORMED);
        }
        let no_key = json!({ "alg": "EdDSA", "typ": "maintenance-state+jwt" });
        self.add("no key id", ops.sign_parts(&no_key, closing.to_string().as_bytes()), MALFORMED);
        self.add("another kind of token", ops.sign_as("maintenance-read+jwt", &closing), MALFORMED);
        let good = self.good.clone();
        let parts: Vec<&str> = good.split('.').collect();
        self.add("two parts", parts[..2].join("."), MALFORMED);
        self.add("four parts", format!("{good}.{}", parts[2]), MALFORMED);
        self.add("half a signature", good[..good.len() - 40].to_owned(), MALFORMED);
        self.add("no token", "%00{}..//".to_owned(), MALFORMED);
        self.add("three empty parts", "..".to_owned(), MALFORMED);
        self.add("an empty header", String::new(), MALFORMED);
        self.add("a token over 12 KiB", "x".repeat(16 * 1024), TOO_LARGE);
    }
}

#[tokio::test]
async fn rejected_documents_change_nothing() {
    let scene = Scene::new(|_| {}).await;
    let Scene { app, envoy, ops, docs, .. } = &scene;
    let first = document("shop", "online");
    let digest = shop::push(envoy, ops, &first).await;
    // Without the number of workers that have adopted: on a busy machine workers may be late.
    let status = async || {
        let mut status = shop::full_status(envoy, ops, "shop").await;
        status["workers"].take();
        status
    };
    let before = status().await;

    let good = ops.sign(&scene.closing());
    let mut mistakes = Mistakes { scene: &scene, stranger: Signer::generate(), good, rejections: Vec::new() };
    mistakes.keys_and_signatures();
    mistakes.values(first["revision"].as_u64().unwrap());
    mistakes.syntax();
    for (mistake, token, expected, code) in &mistakes.rejections {
        let (status_code, answer) = scene.put("shop", &[(DOCUMENT, token)]).await;
        assert_eq!((status_code, answer["code"].as_str()), (*expected, Some(*code)), "{mistake}: {answer}");
        assert_eq!(answer["status"], *expected, "{mistake}: {answer}");
        assert!(answer["title"].is_string() && answer["detail"].is_string(), "{mistake}: {answer}");
        if *code == "stale_revision" {
            let current = json!({ "revision": first["revision"], "digest": digest, "mode": "online" });
            assert_eq!(answer["current"], current, "{mistake}");
        }
        assert_eq!(status().await, before, "{mistake}");
    }

    // After every worker has adopted a later document of another site, `shop` is still open.
    shop::push(envoy, docs, &document("docs", "offline")).await;
    for _ in 0..20 {
        assert_eq!(shop::get(envoy, "/").await, 200);
    }
    assert_eq!(app.hits(), 20);
    assert_eq!(shop::get(envoy, "/docs/a").await, 503);
    assert_eq!(status().await, before);
    assert!(!envoy.log_contains("panick"), "{}", envoy.log());

    // The document without a mistake is accepted.
    shop::push(envoy, ops, &scene.closing()).await;
    assert_eq!(shop::get(envoy, "/").await, 503);
}

#[tokio::test]
async fn a_push_without_a_document_or_to_an_unknown_site_is_rejected() {
    let scene = Scene::new(|_| {}).await;
    let (status, answer) = scene.put("shop", &[]).await;
    assert_eq!((status, &answer["code"]), (400, &json!("malformed_document")), "{answer}");
    let (status, answer) = scene.put("shops", &[(DOCUMENT, &scene.ops.sign(&document("shops", "offline")))]).await;
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_site")), "{answer}");
}

#[tokio::test]
async fn a_push_to_a_declared_site_is_rejected() {
    let scene =
        Scene::new(|policy| policy["state"] = json!({ "shop": { "mode": "read_only", "reason": "git" } })).await;
    let before = scene.envoy.site("shop").await;
    assert_eq!((&before["mode"], &before["channel"]), (&json!("read_only"), &json!("policy")));
    let (status, answer) = scene.envoy.push("shop", &scene.ops.sign(&scene.closing())).await;
    assert_eq!((status, &answer["code"]), (409, &json!("declared")), "{answer}");
    // Other sites of the same policy accept documents.
    shop::push(&scene.envoy, &scene.ops, &document("docs", "offline")).await;
    scene.envoy.wait_for_workers("shop").await;
    let after = scene.envoy.site("shop").await;
    assert_eq!((&after["mode"], &after["digest"]), (&before["mode"], &before["digest"]));
    assert_eq!(shop::get(&scene.envoy, "/").await, 200);
}
