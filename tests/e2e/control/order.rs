//! The order of documents: revisions, digests and If-Match.

use serde_json::{Value, json};

use super::{DOCUMENT, Scene};
use crate::support::shop;
use crate::support::signer::{document, now_ms};

#[tokio::test]
async fn pushing_the_same_document_again_succeeds() {
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

    // RFC 9864 renames `EdDSA` to `Ed25519`.
    let newer = scene.closing();
    let header = json!({ "alg": "Ed25519", "typ": "maintenance-state+jwt", "kid": scene.ops.kid() });
    let (status, answer) = scene.envoy.push("shop", &scene.ops.sign_parts(&header, newer.to_string().as_bytes())).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn of_two_documents_with_equal_revisions_the_one_with_the_greater_digest_is_newer() {
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
    let status = shop::full_status(&scene.envoy, &scene.ops, "shop").await;
    assert_eq!(status["reason"], greatest["reason"]);
}

#[tokio::test]
async fn if_match_accepts_a_document_only_as_the_successor_of_the_named_one() {
    let scene = Scene::new(|_| {}).await;
    let next = |mode: &str, later: u64| {
        let mut document = document("shop", mode);
        document["revision"] = (document["revision"].as_u64().unwrap() + later).into();
        document
    };
    let put = async |document: &Value, tag: &str| {
        scene.put("shop", &[(DOCUMENT, &scene.ops.sign(document)), ("if-match", tag)]).await
    };
    let unknown = format!("\"{}\"", "0".repeat(64));

    let first = next("offline", 0);
    let (status, answer) = put(&first, &unknown).await;
    assert_eq!((status, &answer["code"], &answer["current"]), (412, &json!("conflict"), &Value::Null), "{answer}");
    assert_eq!(scene.envoy.site("shop").await["mode"], "online");
    let (status, answer) = put(&first, "\"*\"").await;
    assert_eq!(status, 200, "{answer}");
    let digest = answer["digest"].as_str().unwrap().to_owned();

    let second = next("read_only", 2);
    for tag in [unknown.as_str(), "\"*\"", "", "garbage"] {
        let (status, answer) = put(&second, tag).await;
        assert_eq!((status, &answer["code"]), (412, &json!("conflict")), "{tag}: {answer}");
        let current = json!({ "revision": first["revision"], "digest": digest, "mode": "offline" });
        assert_eq!(answer["current"], current, "{tag}");
        assert_eq!(scene.envoy.site("shop").await["mode"], "offline", "{tag}");
    }
    assert_eq!(put(&second, &format!("\"{digest}\"")).await.0, 200);
    assert_eq!(scene.envoy.site("shop").await["mode"], "read_only");
    // The document is current already, so the same push again is not a conflict.
    assert_eq!(put(&second, &format!("\"{digest}\"")).await.0, 200);
}

#[tokio::test]
async fn of_concurrent_pushes_with_the_same_if_match_exactly_one_succeeds() {
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
