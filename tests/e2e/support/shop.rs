//! The site `shop` of the fleet `test` and an operator who may change it. Most tests of state start with these.

use serde_json::{Value, json};

use super::envoy::Envoy;
use super::signer::Signer;
use super::{client, eventually};

/// A policy with the site `shop`, for every host and path, and this key.
pub fn policy(signer: &Signer) -> Value {
    json!({ "fleet": "test", "sites": [{ "name": "shop" }], "keys": [signer.entry("ops")] })
}

/// The policy of a control listener for the same fleet and key.
pub fn control(signer: &Signer) -> Value {
    json!({
        "fleet": "test", "sites": [], "keys": [signer.entry("ops")],
        "control": { "path_prefix": "/.maintenance" },
    })
}

/// A token that permits reading the full status for five minutes.
pub fn read_token(signer: &Signer) -> String {
    let now = super::signer::now_ms() / 1000;
    signer.sign_as("maintenance-read+jwt", &json!({ "fleet": "test", "iat": now, "exp": now + 300 }))
}

/// The full status of a site.
pub async fn full_status(envoy: &Envoy, signer: &Signer, site: &str) -> Value {
    let token = read_token(signer);
    let (status, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[("x-maintenance-document", &token)]).await;
    assert_eq!(status, 200, "{answer}");
    answer["sites"].as_array().unwrap().iter().find(|known| known["site"] == site).cloned().unwrap_or_default()
}

/// Pushes a document, waits until every worker has adopted it, and returns its digest.
pub async fn push(envoy: &Envoy, signer: &Signer, document: &Value) -> String {
    let site = document["site"].as_str().unwrap();
    let (status, answer) = envoy.push(site, &signer.sign(document)).await;
    assert_eq!(status, 200, "{answer}");
    envoy.wait_adopted(site, &document["revision"]).await;
    answer["digest"].as_str().unwrap().to_owned()
}

/// The status of a request for this path on a new connection.
pub async fn get(envoy: &Envoy, path: &str) -> u16 {
    client::h1().get(envoy.url(path)).send().await.unwrap().status().as_u16()
}

/// Waits until every worker has adopted a document in which `shop` has this mode.
pub async fn wait_for_mode(envoy: &Envoy, mode: &str) {
    eventually(&format!("every worker has adopted {mode}"), async || {
        let seen = envoy.site("shop").await;
        (seen["mode"] == mode && seen["workers"] == envoy.all_adopted()).then_some(())
    })
    .await;
}
