//! The plugins in the status: their keys, their control endpoints, and the policies that they have refused.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::{Envoy, Update};
use crate::support::signer::Signer;
use crate::support::{eventually, shop};

async fn status(envoy: &Envoy, ops: &Signer) -> Value {
    let token = shop::read_token(ops);
    let (status, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[("x-maintenance-document", &token)]).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A plugin in the full status.
async fn plugin(envoy: &Envoy, ops: &Signer, name: &str) -> Option<Value> {
    let status = status(envoy, ops).await;
    status["plugins"].as_array()?.iter().find(|plugin| plugin["name"] == name).cloned()
}

/// Waits until the last policy of a plugin has been refused because of this error, or has not been refused.
async fn wait_for_refusal(envoy: &Envoy, ops: &Signer, name: &str, error: Option<&str>) {
    eventually(&format!("the refusal of {name} is {error:?}"), async || {
        let plugin = plugin(envoy, ops, name).await?;
        assert_eq!(plugin["refused"].is_null(), plugin["refused_at"].is_null(), "{plugin}");
        match (plugin["refused"].as_str(), error) {
            (Some(text), Some(error)) => text.contains(error).then_some(()),
            (text, error) => (text == error).then_some(()),
        }
    })
    .await;
}

#[tokio::test]
async fn the_status_lists_the_plugins_with_their_sites_keys_and_control_endpoints() {
    let (app, ops, other) = (App::start(), Signer::generate(), Signer::generate());
    let mut limited = shop::policy(&ops);
    limited["keys"][0]["sites"] = json!(["shop", "blog"]);
    limited["keys"][0]["may"] = json!(["state", "pass"]);
    let stranger = json!({ "fleet": "strangers", "sites": [{ "name": "secret" }], "keys": [other.entry("theirs")] });
    let envoy = Envoy::builder(app.address())
        .policy(&limited)
        .listener("stranger", &stranger)
        .control(&shop::control(&ops))
        .start()
        .await;
    envoy.wait_for_workers("shop").await;
    let key = |sites: Value, may: Value| json!([{ "name": "ops", "kid": ops.kid(), "sites": sites, "may": may }]);
    let none = json!(null);
    let expected = [
        ("data", json!("test"), json!(["shop"]), key(json!(["shop", "blog"]), json!(["state", "pass"])), false),
        ("stranger", json!("strangers"), json!([]), json!([]), false),
        ("control", json!("test"), json!([]), key(json!(["*"]), ops.entry("ops")["may"].clone()), true),
    ];
    for (name, fleet, sites, keys, control) in expected {
        let expected = json!({
            "name": name, "fleet": fleet, "sites": sites, "keys": keys, "control": control,
            "refused": none, "refused_at": none,
        });
        eventually(&format!("the status lists {name}"), async || plugin(&envoy, &ops, name).await).await;
        assert_eq!(plugin(&envoy, &ops, name).await, Some(expected));
    }
    // Without a read token, the status says when Envoy has started, and lists no plugins.
    let (_, short) = envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
    assert_eq!((short["started"].is_string(), short["plugins"].is_null()), (true, true), "{short}");
    assert_eq!(short["started"], status(&envoy, &ops).await["started"]);
    assert!(short["started"].as_str() <= short["time"].as_str());
}

#[tokio::test]
async fn the_status_has_the_error_of_a_refused_policy_until_another_one_is_accepted() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = shop::policy(&ops);
    let envoy =
        Envoy::builder(app.address()).policy(&policy).control(&shop::control(&ops)).watched_file().start().await;
    envoy.wait_for_workers("shop").await;
    wait_for_refusal(&envoy, &ops, "data", None).await;
    for (bad, error) in [
        (json!({ "sits": [] }), "sits: unknown field; did you mean \"sites\"?"),
        (json!({ "sites": [{ "name": format!("a\nb\t{}", "x".repeat(5000)) }] }), "sites[0].name: \"a b x"),
    ] {
        assert_eq!(envoy.set_policy(&bad).await, Update::Refused);
        wait_for_refusal(&envoy, &ops, "data", Some(error)).await;
        let plugin = plugin(&envoy, &ops, "data").await.unwrap();
        assert_eq!((&plugin["sites"], plugin["refused"].as_str().unwrap().len() <= 1000), (&json!(["shop"]), true));
    }
    let mut good = policy.clone();
    good["exempt"] = json!([{ "name": "a", "paths": ["/a"] }]);
    assert_eq!(envoy.set_policy(&good).await, Update::Taken);
    wait_for_refusal(&envoy, &ops, "data", None).await;
    // Envoy remembers policies that were refused, and asks the filter only about others.
    assert_eq!(envoy.set_policy(&json!({ "sitz": [] })).await, Update::Refused);
    wait_for_refusal(&envoy, &ops, "data", Some("sitz: unknown field")).await;
    // A plugin that no longer runs is forgotten, with its refusals.
    assert_eq!(envoy.set_plugin("successor", &policy).await, Update::Taken);
    eventually("the status lists the successor alone", async || {
        let (before, after) = (plugin(&envoy, &ops, "data").await, plugin(&envoy, &ops, "successor").await);
        (before.is_none() && after.is_some_and(|after| after["refused"].is_null())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_status_has_the_error_of_a_first_policy_that_was_refused() {
    let (app, ops) = (App::start(), Signer::generate());
    let bad = json!({ "sits": [] });
    for reversed in [false, true] {
        let mut envoy = Envoy::builder(app.address())
            .policy(&bad)
            .control(&shop::control(&ops))
            .watched_file()
            .bootstrap(move |bootstrap| {
                if reversed {
                    bootstrap["static_resources"]["listeners"].as_array_mut().unwrap().reverse();
                }
            })
            .start()
            .await;
        assert_eq!(shop::get(&envoy, "/").await, 500);
        wait_for_refusal(&envoy, &ops, "data", Some("sits: unknown field")).await;
        let data = plugin(&envoy, &ops, "data").await.unwrap();
        assert_eq!((&data["fleet"], &data["sites"], &data["keys"]), (&json!(null), &json!([]), &json!([])));
        // A VM of its own, which Envoy deletes with the refused policy.
        assert_eq!(envoy.set_policy_in_new_vm("upgrade", &json!({ "sitz": [] })).await, Update::Refused);
        wait_for_refusal(&envoy, &ops, "data", Some("sitz: unknown field")).await;
        assert_eq!(envoy.set_policy(&shop::policy(&ops)).await, Update::Taken);
        wait_for_refusal(&envoy, &ops, "data", None).await;
        assert_eq!(shop::get(&envoy, "/").await, 200);
    }
}
