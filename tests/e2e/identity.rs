//! From Envoy 1.39 on, a VM with other environment variables is another VM of the same build. `make identity` runs this
//! test with several versions of Envoy.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::{self, Form};
use crate::support::envoy::{Envoy, Update, replace};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, module, shop};

const UPDATES: usize = 10;

/// Brings a policy as Istio does: each version in an environment variable of its own value.
async fn update(envoy: &Envoy, policy: &Value, version: usize) {
    let before = envoy.updates().await;
    let mut filter = bootstrap::maintenance("data", policy, Form::Text, &module());
    filter["typed_config"]["config"]["vm_config"]["environment_variables"] =
        json!({ "key_values": { "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": version.to_string() } });
    replace(envoy.ecds_file(), &bootstrap::discovery_file(&filter).to_string());
    assert_eq!(envoy.wait_for_update(before).await, Update::Taken);
}

#[tokio::test]
async fn updates_that_change_an_environment_variable_are_adopted_while_a_web_socket_stays_open() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = shop::policy(&ops);
    let builder = Envoy::builder(app.address()).policy(&policy).control(&shop::control(&ops));
    let envoy = builder.watched_file().start().await;
    envoy.wait_for_workers("shop").await;
    let mut sockets = Vec::new();
    let mut took = Vec::new();
    for version in 1..=UPDATES {
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws", envoy.data())).await.unwrap();
        socket.send("hello".into()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "hello");
        sockets.push(socket);
        // Every second policy declares the state, so an older root context that still counts has not adopted it.
        let mut policy = policy.clone();
        if version % 2 == 0 {
            policy["state"] = json!({ "shop": { "mode": "online", "note": version.to_string() } });
        }
        update(&envoy, &policy, version).await;
        let taken = Instant::now();
        let channel = if version % 2 == 0 { "policy" } else { "push" };
        let expected = if version == 1 { Value::Null } else { channel.into() };
        eventually("every worker has the update", async || {
            let seen = envoy.site("shop").await;
            (seen["workers"] == envoy.all_adopted() && seen["channel"] == expected).then_some(())
        })
        .await;
        took.push(taken.elapsed());
        if version % 2 == 1 {
            shop::push(&envoy, &ops, &document("shop", "online")).await;
        }
    }
    for socket in &mut sockets {
        socket.send("still here".into()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "still here");
    }
    // The median, because another process may delay a single update.
    took.sort_unstable();
    println!("adopted after {took:?}");
    assert!(took[UPDATES / 2] < Duration::from_secs(1), "adopted after {took:?}");
}
