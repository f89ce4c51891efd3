//! Updates of the policy and moves to a new VM: which state survives, and which is removed.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::{Envoy, Update};
use crate::support::raw::{Connection, ask_all};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, raw, shop};

mod taken_back;

const WORKERS: u32 = 4;

/// An Envoy that reads the policy from a watched file.
async fn watched(app: &App, policy: &Value, control: &Value) -> Envoy {
    Envoy::builder(app.address()).policy(policy).control(control).workers(WORKERS).watched_file().start().await
}

#[tokio::test]
async fn documents_survive_policy_updates_and_a_move_to_another_vm() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    let mut envoy = watched(&app, &policy, &shop::control(&ops)).await;
    envoy.wait_for_workers("shop").await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    let process = envoy.control(hyper::Method::GET, "/v1/status", &[]).await.1["envoy"].clone();

    let mut connections = open_connections(&envoy).await;
    for round in 0..3 {
        policy["exempt"] = json!([{ "name": format!("rule-{round}"), "paths": [format!("/only-{round}")] }]);
        if round == 2 {
            assert_eq!(envoy.set_policy_in_new_vm("new", &policy).await, Update::Taken);
        } else {
            assert_eq!(envoy.set_policy(&policy).await, Update::Taken);
        }
        let statuses = ask_all(&mut connections, "/a", 2000).await;
        assert!(statuses.iter().all(|status| *status == 503), "a request passed in round {round}");
        eventually("every worker has the new policy", async || {
            let rule = format!("/only-{round}");
            ask_all(&mut connections, &rule, 40).await.iter().all(|status| *status == 200).then_some(())
        })
        .await;
        envoy.wait_for_workers("shop").await;
        assert_eq!(envoy.site("shop").await["revision"], closing["revision"]);
    }
    assert_eq!(app.hits_of("/a"), 0);
    assert_eq!(envoy.control(hyper::Method::GET, "/v1/status", &[]).await.1["envoy"], process);

    // The new VM adopts documents, and the old one has no effect.
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    assert!(ask_all(&mut connections, "/b", 200).await.iter().all(|status| *status == 200));
    // The plugin moves back to the first VM configuration.
    assert_eq!(envoy.set_policy_in_new_vm("", &policy).await, Update::Taken);
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    envoy.wait_for_workers("shop").await;
    assert!(ask_all(&mut connections, "/c", 200).await.iter().all(|status| *status == 503));
    assert!(!envoy.log_contains("panick"), "{}", envoy.log());
}

async fn open_connections(envoy: &Envoy) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(Connection::open(envoy.data()).await);
    }
    assert!(ask_all(&mut connections, "/a", 20).await.iter().all(|status| *status == 503));
    connections
}

#[tokio::test]
async fn a_declared_state_takes_precedence_over_a_pushed_document_until_it_is_removed() {
    let (app, ops) = (App::start(), Signer::generate());
    let plain = shop::policy(&ops);
    let declared = |mode: &str| {
        let mut policy = plain.clone();
        policy["state"] = json!({ "shop": { "mode": mode } });
        policy
    };
    let envoy = watched(&app, &plain, &shop::control(&ops)).await;
    shop::push(&envoy, &ops, &document("shop", "read_only")).await;
    for (policy, mode, channel) in [
        (declared("offline"), "offline", "policy"),
        (declared("online"), "online", "policy"),
        (plain.clone(), "read_only", "push"),
    ] {
        assert_eq!(envoy.set_policy(&policy).await, Update::Taken);
        shop::wait_for_mode(&envoy, mode).await;
        assert_eq!(envoy.site("shop").await["channel"], channel);
        let post = b"POST /p HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n";
        let posted = raw::exchange(envoy.data(), post).await.unwrap().status;
        let expected = match mode {
            "offline" => (503, 503),
            "read_only" => (200, 503),
            _ => (200, 200),
        };
        assert_eq!((shop::get(&envoy, "/").await, posted), expected, "{mode}");
    }
}

#[tokio::test]
async fn a_document_survives_the_removal_of_its_key_and_the_status_shows_it() {
    let (app, ops, old) = (App::start(), Signer::generate(), Signer::generate());
    let (mut before, mut after) = (shop::policy(&ops), shop::policy(&ops));
    before["keys"].as_array_mut().unwrap().push(old.entry("old"));
    // Another key of the same name does not hide that the policy lacks the one that signed the document.
    after["keys"].as_array_mut().unwrap().push(Signer::generate().entry("old"));
    let envoy = watched(&app, &before, &shop::control(&ops)).await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &old, &closing).await;
    assert_eq!(shop::full_status(&envoy, &ops, "shop").await["signed_by"], "old");
    assert_eq!(envoy.set_policy(&after).await, Update::Taken);
    eventually("the status shows that the policy lacks the key", async || {
        let seen = shop::full_status(&envoy, &ops, "shop").await;
        (seen["signed_by"] == "old (no longer in the policy)").then_some(())
    })
    .await;
    envoy.wait_adopted("shop", &closing["revision"]).await;
    for _ in 0..20 {
        assert_eq!(shop::get(&envoy, "/").await, 503);
    }
    let (status, answer) = envoy.push("shop", &old.sign(&document("shop", "online"))).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unknown_key")), "{answer}");
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn a_policy_that_lives_on_for_an_open_stream_has_no_effect() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = |keys: Value, rule: &str| {
        json!({
            "fleet": "test", "sites": [{ "name": "shop" }], "keys": keys,
            "exempt": [{ "name": rule, "paths": [format!("/{rule}")] }],
        })
    };
    // The first policy does not permit `ops` for `shop`: if its root contexts had an effect, they would reject
    // documents.
    let mut narrow = ops.entry("ops");
    narrow["sites"] = json!(["docs"]);
    let mut envoy = watched(&app, &policy(json!([narrow]), "a"), &shop::control(&ops)).await;
    let mut held = Vec::new();
    for count in 1..=16 {
        let mut connection = Connection::open(envoy.data()).await;
        connection.send(b"GET /held HTTP/1.1\r\nHost: a\r\nx-app: hold\r\n\r\n").await;
        eventually("the request is held", async || (app.hits_of("/held") == count).then_some(())).await;
        held.push(connection);
    }
    let wide = policy(json!([ops.entry("ops")]), "b");
    for vm in ["", "new"] {
        assert_eq!(envoy.set_policy_in_new_vm(vm, &wide).await, Update::Taken);
        for mode in ["offline", "read_only", "offline"] {
            shop::push(&envoy, &ops, &document("shop", mode)).await;
            envoy.wait_for_workers("shop").await;
            let number = if mode == "offline" { 3 } else { 1 };
            eventually("the gauge shows the mode", async || {
                (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == number).then_some(())
            })
            .await;
        }
        let bypassed = shop::full_status(&envoy, &ops, "shop").await["bypassed"].clone();
        assert!(bypassed.get("b").is_some() && bypassed.get("a").is_none(), "{bypassed}");
        assert_eq!((shop::get(&envoy, "/a").await, shop::get(&envoy, "/b").await), (503, 200));
        assert_eq!(envoy.stat("wasmcustom.maintenance.channel.push.rejected").await, 0, "VM {vm:?}");
    }
    app.release();
    for connection in &mut held {
        assert_eq!(connection.response().await.unwrap().status, 200);
    }
    envoy.wait_for_workers("shop").await;
}

#[tokio::test]
async fn a_document_survives_the_removal_of_the_permission_of_its_key() {
    let (app, ops, boss) = (App::start(), Signer::generate(), Signer::generate());
    let mut wide = shop::policy(&ops);
    wide["keys"].as_array_mut().unwrap().push(boss.entry("boss"));
    let mut narrow = wide.clone();
    narrow["keys"][0]["sites"] = json!(["docs"]);
    let mut control = shop::control(&boss);
    control["keys"] = narrow["keys"].clone();
    let mut envoy = watched(&app, &wide, &control).await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(envoy.set_policy(&narrow).await, Update::Taken);
    for vm in ["", "new"] {
        if !vm.is_empty() {
            assert_eq!(envoy.set_policy_in_new_vm(vm, &narrow).await, Update::Taken);
        }
        envoy.wait_adopted("shop", &closing["revision"]).await;
        for _ in 0..20 {
            assert_eq!(shop::get(&envoy, "/").await, 503, "VM {vm:?}");
        }
        let (status, answer) = envoy.push("shop", &ops.sign(&document("shop", "online"))).await;
        assert_eq!((status, &answer["code"]), (401, &json!("not_permitted")), "{answer}");
    }
    shop::push(&envoy, &boss, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn an_update_keeps_the_document_before_one_that_the_policy_rejects() {
    let (app, old, new) = (App::start(), Signer::generate(), Signer::generate());
    let mut envoy = watched(&app, &shop::policy(&old), &shop::control(&old)).await;
    shop::push(&envoy, &old, &document("shop", "offline")).await;
    envoy.wait_for_workers("shop").await;
    assert_eq!(envoy.set_policy(&shop::policy(&new)).await, Update::Taken);
    // The control listener still accepts the key, but the policy does not.
    let (status, answer) = envoy.push("shop", &old.sign(&document("shop", "online"))).await;
    assert_eq!(status, 200, "{answer}");
    for vm in ["", "new"] {
        let mut policy = shop::policy(&new);
        policy["exempt"] = json!([{ "name": "a", "paths": [format!("/a{vm}")] }]);
        assert_eq!(envoy.set_policy_in_new_vm(vm, &policy).await, Update::Taken);
        for _ in 0..20 {
            assert_eq!(shop::get(&envoy, "/").await, 503, "VM {vm:?}");
        }
    }
    shop::push(&envoy, &new, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn sites_documents_and_keys_of_a_removed_plugin_are_removed() {
    let (app, ops, old) = (App::start(), Signer::generate(), Signer::generate());
    let before = json!({
        "fleet": "test", "keys": [old.entry("old")],
        "sites": [{ "name": "shop" }, { "name": "docs", "paths": ["/docs"] }],
        "state": { "shop": { "mode": "offline" } },
    });
    let envoy = watched(&app, &before, &shop::control(&ops)).await;
    envoy.wait_for_workers("shop").await;
    let mode = "wasmcustom.maintenance.site.shop.mode";
    eventually("the gauge shows the mode", async || (envoy.stat(mode).await == 3).then_some(())).await;
    // A plugin with another name replaces the first one in the filter chain.
    let update = envoy.set_plugin("renamed", &shop::policy(&ops)).await;
    assert_eq!(update, Update::Taken);
    eventually("the status has only the site of the new plugin", async || {
        let (_, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
        let sites: Vec<&Value> = answer["sites"].as_array().unwrap().iter().map(|site| &site["site"]).collect();
        (sites == ["shop"]).then_some(())
    })
    .await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
    assert_eq!(envoy.stat(mode).await, 0);
    let (status, answer) = envoy.push("shop", &old.sign(&document("shop", "offline"))).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unknown_key")), "{answer}");
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    assert_eq!(shop::get(&envoy, "/").await, 503);
}
