//! Updates that Envoy takes back, refuses in the end, or has not put to work yet: the policy before goes on, and
//! counts.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::App;
use crate::support::bootstrap;
use crate::support::envoy::{Envoy, Update, replace};
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, filters, shop};

/// A data listener that Envoy reads from a watched file (LDS).
struct WatchedListener {
    _folder: TempDir,
    file: PathBuf,
    listener: Value,
}

impl WatchedListener {
    async fn start(app: &App, ops: &Signer) -> (Envoy, WatchedListener) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("lds/listener.yaml");
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        let (path, first) = (file.clone(), Rc::new(RefCell::new(Value::Null)));
        let taken = Rc::clone(&first);
        let envoy = Envoy::builder(app.address())
            .policy(&shop::policy(ops))
            .control(&shop::control(ops))
            .bootstrap(move |bootstrap| {
                let mut listener = bootstrap["static_resources"]["listeners"].as_array_mut().unwrap().remove(0);
                listener["@type"] = bootstrap::type_url("envoy.config.listener.v3.Listener").into();
                replace(&path, &json!({ "resources": [listener] }).to_string());
                bootstrap["dynamic_resources"] = json!({ "lds_config": { "path_config_source": {
                    "path": path, "watched_directory": { "path": path.parent() },
                } } });
                *taken.borrow_mut() = listener;
            })
            .start()
            .await;
        envoy.wait_for_workers("shop").await;
        let listener = first.borrow().clone();
        (envoy, WatchedListener { _folder: folder, file, listener })
    }

    /// Replaces the listener by one with this policy, and with changes of its connection manager.
    fn replace(&self, policy: &Value, change: impl FnOnce(&mut Value)) {
        let mut listener = self.listener.clone();
        let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
        manager["http_filters"][0]["typed_config"]["config"]["configuration"]["value"] = policy.to_string().into();
        change(manager);
        replace(&self.file, &json!({ "resources": [listener] }).to_string());
    }
}

/// The policy of `shop` with an exempt rule.
fn with_a_rule(ops: &Signer) -> Value {
    let mut policy = shop::policy(ops);
    policy["exempt"] = json!([{ "name": "a", "paths": ["/a"] }]);
    policy
}

#[tokio::test]
async fn a_policy_that_returns_while_a_stream_of_it_is_open_counts_again() {
    let (app, ops) = (App::start(), Signer::generate());
    let (first, second) = (shop::policy(&ops), with_a_rule(&ops));
    let builder = Envoy::builder(app.address()).policy(&first).control(&shop::control(&ops));
    let envoy = builder.workers(1).watched_file().start().await;
    envoy.wait_for_workers("shop").await;
    let mut held = Connection::open(envoy.data()).await;
    held.send(b"GET /held HTTP/1.1\r\nHost: a\r\nx-app: hold\r\n\r\n").await;
    eventually("the request is held", async || (app.hits_of("/held") == 1).then_some(())).await;
    for policy in [&second, &first, &second, &first] {
        assert_eq!(envoy.set_policy(policy).await, Update::Taken);
        for mode in ["offline", "online"] {
            shop::push(&envoy, &ops, &document("shop", mode)).await;
        }
    }
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    assert_eq!((shop::get(&envoy, "/").await, shop::get(&envoy, "/a").await), (503, 503));
    eventually("the gauge shows offline", async || {
        (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == 3).then_some(())
    })
    .await;
    app.release();
    assert_eq!(held.response().await.unwrap().status, 200);
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn after_a_rejected_listener_the_previous_policy_adopts_documents() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, listener) = WatchedListener::start(&app, &ops).await;
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    listener.replace(&with_a_rule(&ops), |manager| {
        manager["http_filters"].as_array_mut().unwrap().insert(1, filters::lua("this is not Lua"));
    });
    eventually("Envoy has rejected the listener", async || {
        (envoy.stat("listener_manager.lds.update_rejected").await > 0).then_some(())
    })
    .await;
    envoy.wait_for_workers("shop").await;
    assert_eq!((shop::get(&envoy, "/").await, shop::get(&envoy, "/a").await), (503, 503));
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    for _ in 0..10 {
        assert_eq!(shop::get(&envoy, "/").await, 200);
    }
}

#[tokio::test]
async fn the_declared_state_of_a_warming_listener_does_not_count_as_adopted() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, listener) = WatchedListener::start(&app, &ops).await;
    let mut closed = shop::policy(&ops);
    closed["state"] = json!({ "shop": { "mode": "offline" } });
    listener.replace(&closed, |manager| {
        manager.as_object_mut().unwrap().remove("route_config");
        // The application does not serve RDS, so the listener keeps warming.
        manager["rds"] = json!({ "route_config_name": "r", "config_source": {
            "resource_api_version": "V3",
            "initial_fetch_timeout": "60s",
            "api_config_source": {
                "api_type": "GRPC", "transport_api_version": "V3",
                "grpc_services": [{ "envoy_grpc": { "cluster_name": "app" } }],
            },
        } });
    });
    eventually("the listener is warming", async || {
        (envoy.stat("listener_manager.total_listeners_warming").await > 0).then_some(())
    })
    .await;
    let (none, mut steady) = (json!({ "members": 2, "adopted": 0 }), 0);
    eventually("the status shows 50 times that no worker has adopted", async || {
        assert_eq!(shop::get(&envoy, "/").await, 200);
        let seen = envoy.site("shop").await;
        steady = if seen["mode"] == "offline" && seen["workers"] == none { steady + 1 } else { 0 };
        (steady == 50).then_some(())
    })
    .await;
    listener.replace(&closed, |_| {});
    // Envoy drains the previous listener first.
    envoy.wait_for_workers("shop").await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
}
