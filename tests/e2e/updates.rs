//! What outlives updates of the policy and upgrades of the module, and what goes with them.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::{Envoy, Update};
use crate::support::raw::{Connection, ask_all};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, module, raw, shop, variants};

mod taken_back;

const WORKERS: u32 = 4;

/// An Envoy that watches the file of its policy.
async fn watched(app: &App, policy: &Value, control: &Value) -> Envoy {
    Envoy::builder(app.address()).policy(policy).control(control).workers(WORKERS).watched_file().start().await
}

#[tokio::test]
async fn state_outlives_policy_updates_and_an_upgrade_of_the_module() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    let mut envoy = watched(&app, &policy, &shop::control(&ops)).await;
    envoy.wait_for_workers("shop").await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    let process = envoy.control(hyper::Method::GET, "/v1/status", &[]).await.1["envoy"].clone();

    let mut connections = kept_open_to_a_closed_site(&envoy).await;
    for round in 0..3 {
        policy["exempt"] = json!([{ "name": format!("rule-{round}"), "paths": [format!("/only-{round}")] }]);
        if round == 2 {
            let module = variants::another_build(envoy.folder());
            assert_eq!(envoy.upgrade(&module, &policy).await, Update::Taken);
        } else {
            assert_eq!(envoy.set_policy(&policy).await, Update::Taken);
        }
        let statuses = ask_all(&mut connections, "/a", 2000).await;
        assert!(statuses.iter().all(|status| *status == 503), "in round {round} a request got in");
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

    // It follows on, and no instance of the old build acts beside the new one.
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    assert!(ask_all(&mut connections, "/b", 200).await.iter().all(|status| *status == 200));
    // And back.
    assert_eq!(envoy.upgrade(&module(), &policy).await, Update::Taken);
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    envoy.wait_for_workers("shop").await;
    assert!(ask_all(&mut connections, "/c", 200).await.iter().all(|status| *status == 503));
    assert!(!envoy.log_contains("panick"), "{}", envoy.log());
}

async fn kept_open_to_a_closed_site(envoy: &Envoy) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(Connection::open(envoy.data()).await);
    }
    assert!(ask_all(&mut connections, "/a", 20).await.iter().all(|status| *status == 503));
    connections
}

#[tokio::test]
async fn a_declared_entry_stands_before_what_was_pushed_and_removed_gives_way() {
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
async fn a_document_outlives_the_key_that_signed_it_and_the_status_says_so() {
    let (app, ops, old) = (App::start(), Signer::generate(), Signer::generate());
    let after = shop::policy(&ops);
    let mut before = after.clone();
    before["keys"].as_array_mut().unwrap().push(old.entry("old"));
    let envoy = watched(&app, &before, &shop::control(&ops)).await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &old, &closing).await;
    assert_eq!(shop::full_status(&envoy, &ops, "shop").await["signed_by"], "old");
    assert_eq!(envoy.set_policy(&after).await, Update::Taken);
    eventually("the status says that the key is gone", async || {
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
async fn what_lives_on_for_an_open_stream_neither_counts_nor_acts() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = |keys: Value, rule: &str| {
        json!({
            "fleet": "test", "sites": [{ "name": "shop" }], "keys": keys,
            "exempt": [{ "name": rule, "paths": [format!("/{rule}")] }],
        })
    };
    // Before, `ops` was not permitted for `shop`: were the old roots to act, they would refuse what it signs.
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
    let module = variants::another_build(envoy.folder());
    for upgrade in [false, true] {
        let update = if upgrade { envoy.upgrade(&module, &wide).await } else { envoy.set_policy(&wide).await };
        assert_eq!(update, Update::Taken);
        for mode in ["offline", "read_only", "offline"] {
            shop::push(&envoy, &ops, &document("shop", mode)).await;
            envoy.wait_for_workers("shop").await;
            let number = if mode == "offline" { 3 } else { 1 };
            eventually("the gauge says the mode", async || {
                (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == number).then_some(())
            })
            .await;
        }
        let bypassed = shop::full_status(&envoy, &ops, "shop").await["bypassed"].clone();
        assert!(bypassed.get("b").is_some() && bypassed.get("a").is_none(), "{bypassed}");
        assert_eq!((shop::get(&envoy, "/a").await, shop::get(&envoy, "/b").await), (503, 200));
        assert_eq!(envoy.stat("wasmcustom.maintenance.channel.push.rejected").await, 0, "upgrade: {upgrade}");
    }
    app.release();
    for connection in &mut held {
        assert_eq!(connection.response().await.unwrap().status, 200);
    }
    envoy.wait_for_workers("shop").await;
}

#[tokio::test]
async fn a_document_outlives_the_permission_that_it_was_signed_with() {
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
    let module = variants::another_build(envoy.folder());
    for upgrade in [false, true] {
        if upgrade {
            assert_eq!(envoy.upgrade(&module, &narrow).await, Update::Taken);
        }
        envoy.wait_adopted("shop", &closing["revision"]).await;
        for _ in 0..20 {
            assert_eq!(shop::get(&envoy, "/").await, 503, "upgrade: {upgrade}");
        }
        let (status, answer) = envoy.push("shop", &ops.sign(&document("shop", "online"))).await;
        assert_eq!((status, &answer["code"]), (401, &json!("not_permitted")), "{answer}");
    }
    shop::push(&envoy, &boss, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn a_plugin_that_is_gone_leaves_no_site_no_state_and_no_key() {
    let (app, ops, old) = (App::start(), Signer::generate(), Signer::generate());
    let before = json!({
        "fleet": "test", "keys": [old.entry("old")],
        "sites": [{ "name": "shop" }, { "name": "docs", "paths": ["/docs"] }],
        "state": { "shop": { "mode": "offline" } },
    });
    let envoy = watched(&app, &before, &shop::control(&ops)).await;
    envoy.wait_for_workers("shop").await;
    let mode = "wasmcustom.maintenance.site.shop.mode";
    eventually("the gauge says the mode", async || (envoy.stat(mode).await == 3).then_some(())).await;
    // The same place in the chain, and a plugin of another name.
    let update = envoy.set_plugin("renamed", &shop::policy(&ops)).await;
    assert_eq!(update, Update::Taken);
    eventually("the old plugin is gone", async || {
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
