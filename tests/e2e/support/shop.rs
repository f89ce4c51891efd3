//! What most tests of state begin with: the site `shop` of the fleet `test`, and an operator who may switch it.

use serde_json::{Value, json};

use super::envoy::Envoy;
use super::signer::Signer;
use super::{client, eventually};

/// A policy for the site `shop`, every host and path, whose keys are these.
pub fn policy(signer: &Signer) -> Value {
    json!({ "fleet": "test", "sites": [{ "name": "shop" }], "keys": [signer.entry("ops")] })
}

/// The policy of the control listener beside it.
pub fn control(signer: &Signer) -> Value {
    json!({
        "fleet": "test", "sites": [], "keys": [signer.entry("ops")],
        "control": { "path_prefix": "/.maintenance" },
    })
}

/// A token that opens the fuller status, good for five minutes from now.
pub fn read_token(signer: &Signer) -> String {
    let now = super::signer::now_ms() / 1000;
    signer.sign_as("maintenance-read+jwt", &json!({ "fleet": "test", "iat": now, "exp": now + 300 }))
}

/// What the fuller status says of a site.
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

/// The status of a request for this path on a connection of its own.
pub async fn get(envoy: &Envoy, path: &str) -> u16 {
    client::h1().get(envoy.url(path)).send().await.unwrap().status().as_u16()
}

/// Waits until every worker holds the site to be in that mode.
pub async fn wait_for_mode(envoy: &Envoy, mode: &str) {
    eventually(&format!("every worker is {mode}"), async || {
        let seen = envoy.site("shop").await;
        (seen["mode"] == mode && seen["workers"] == envoy.all_adopted()).then_some(())
    })
    .await;
}
