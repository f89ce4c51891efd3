//! Plugins of one Envoy beside each other: policies without keys, and plugins of the same name.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document};
use crate::support::{client, eventually, shop};

async fn get(envoy: &Envoy, listener: &str) -> u16 {
    let url = format!("http://{}/", envoy.listener(listener));
    client::h1().get(url).send().await.unwrap().status().as_u16()
}

async fn full_status(envoy: &Envoy, ops: &Signer) -> Value {
    let token = shop::read_token(ops);
    envoy.control(hyper::Method::GET, "/v1/status", &[("x-maintenance-document", &token)]).await.1
}

#[tokio::test]
async fn a_policy_without_keys_adopts_no_pushed_document_and_the_status_names_its_plugin() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut keyless = shop::policy(&ops);
    keyless["keys"] = json!([]);
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .listener("keyless", &keyless)
        .control(&shop::control(&ops))
        .workers(1)
        .start()
        .await;
    envoy.wait_for_workers("shop").await;
    let (status, answer) = envoy.push("shop", &ops.sign(&document("shop", "offline"))).await;
    assert_eq!(status, 200, "{answer}");
    eventually("the policy with the key follows", async || (get(&envoy, "data").await == 503).then_some(())).await;
    let named = "the policy of the plugin keyless has no key \"ops\"";
    eventually("the log names the plugin", async || envoy.log_contains(named).then_some(())).await;
    assert_eq!(get(&envoy, "keyless").await, 200);
    assert_eq!(envoy.site("shop").await["workers"], json!({ "members": 1, "adopted": 0 }));
    assert_eq!(shop::full_status(&envoy, &ops, "shop").await["lacks_key"], json!(["keyless"]));
}

#[tokio::test]
async fn two_plugins_of_one_name_with_different_policies_are_logged_and_shown() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut other = shop::policy(&ops);
    other["exempt"] = json!([{ "name": "a", "paths": ["/a"] }]);
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .listener("second", &other)
        .control(&shop::control(&ops))
        .bootstrap(|bootstrap| {
            let manager = &mut bootstrap["static_resources"]["listeners"][1]["filter_chains"][0]["filters"][0];
            manager["typed_config"]["http_filters"][0]["typed_config"]["config"]["name"] = "data".into();
        })
        .start()
        .await;
    envoy.wait_for_workers("shop").await;
    assert_eq!(full_status(&envoy, &ops).await["plugin_conflicts"], json!([]));
    eventually("the status names the plugin", async || {
        assert_eq!((get(&envoy, "data").await, get(&envoy, "second").await), (200, 200));
        (full_status(&envoy, &ops).await["plugin_conflicts"] == json!(["data"])).then_some(())
    })
    .await;
    assert!(envoy.log_contains("two plugins have the name \"data\" and different policies"));
    // Both still follow.
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    for _ in 0..10 {
        assert_eq!((get(&envoy, "data").await, get(&envoy, "second").await), (503, 503));
    }
}
