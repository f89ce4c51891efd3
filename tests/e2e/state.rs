//! State documents in effect: windows, `until`, `suspend`, several policies and sites, unknown fields.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{eventually, shop};

/// The time this number of milliseconds from now, in RFC 3339.
fn at(from_now: u64) -> String {
    jiff::Timestamp::from_millisecond(i64::try_from(now_ms() + from_now).unwrap()).unwrap().to_string()
}

async fn envoy(app: &App, policy: &Value, ops: &Signer) -> Envoy {
    Envoy::builder(app.address()).policy(policy).control(&shop::control(ops)).start().await
}

/// The status of the response to a request with this method, host and path.
async fn ask(envoy: &Envoy, method: &str, host: &str, path: &str) -> u16 {
    let method = method.parse().unwrap();
    let request = client::h1().request(method, envoy.url(path)).header("host", host);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn windows_open_and_close_without_a_push() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &shop::policy(&ops), &ops).await;
    let begin = now_ms();
    let mut planned = document("shop", "online");
    planned["windows"] = json!([
        { "id": "w1", "mode": "read_only", "from": at(2000), "until": at(6000), "reason": "first" },
        { "id": "w2", "mode": "offline", "from": at(4000), "until": at(8000), "reason": "second" },
    ]);
    shop::push(&envoy, &ops, &planned).await;
    // From here on, only time passes. No change may be visible before it is due.
    let (mut seen, mut changes) = (Vec::new(), Vec::new());
    eventually("both windows have closed", async || {
        let statuses = (ask(&envoy, "GET", "a", "/").await, ask(&envoy, "POST", "a", "/").await);
        // A change may fall between the two requests, and the workers do not change at the same instant.
        if statuses != (503, 200) && !seen.contains(&statuses) {
            seen.push(statuses);
            changes.push(now_ms() - begin);
        }
        (now_ms() - begin >= 8000 && statuses == (200, 200)).then_some(())
    })
    .await;
    changes.push(now_ms() - begin);
    assert_eq!(seen, [(200, 200), (200, 503), (503, 503)], "{changes:?}");
    for (change, due) in changes.iter().skip(1).zip([2000, 4000, 8000]) {
        assert!(*change >= due, "{changes:?}");
    }
    let stat = envoy.stat("wasmcustom.maintenance.site.shop.mode").await;
    assert_eq!(stat, 0);
    assert_eq!(envoy.site("shop").await["active"], json!([]));
}

#[tokio::test]
async fn a_site_opens_at_until() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &shop::policy(&ops), &ops).await;
    let mut closing = document("shop", "offline");
    let until = now_ms() + 2500;
    closing["until"] = at(2500).into();
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
    eventually("the gauge shows offline", async || {
        (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == 3).then_some(())
    })
    .await;
    eventually("the site opens", async || (shop::get(&envoy, "/").await == 200).then_some(())).await;
    assert!(now_ms() >= until);
    eventually("the gauge shows online", async || {
        (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == 0).then_some(())
    })
    .await;
    let seen = envoy.site("shop").await;
    assert_eq!((&seen["mode"], &seen["revision"]), (&json!("online"), &closing["revision"]));
    assert_eq!(seen["workers"], envoy.all_adopted());
}

#[tokio::test]
async fn a_declared_window_opens() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    let from = at(8000);
    policy["state"] = json!({ "shop": { "mode": "online",
        "windows": [{ "id": "w", "mode": "offline", "from": from }] } });
    let envoy = envoy(&app, &policy, &ops).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
    eventually("the window opens", async || (shop::get(&envoy, "/").await == 503).then_some(())).await;
}

#[tokio::test]
async fn a_suspended_rule_does_not_exempt_and_other_rules_do() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    let rule = |name: &str| json!({ "name": name, "headers": [{ "name": format!("x-{name}"), "value": "yes" }] });
    policy["exempt"] = json!([rule("staff"), rule("root")]);
    let envoy = envoy(&app, &policy, &ops).await;
    let get = async |header: &str| {
        client::h1().get(envoy.url("/")).header(header, "yes").send().await.unwrap().status().as_u16()
    };
    let mut closing = document("shop", "offline");
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!((get("x-staff").await, get("x-root").await, get("x-other").await), (200, 200, 503));
    closing["revision"] = now_ms().into();
    closing["suspend"] = json!(["staff", "gone"]);
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!((get("x-staff").await, get("x-root").await, get("x-other").await), (503, 200, 503));
    let full = shop::full_status(&envoy, &ops, "shop").await;
    assert_eq!((&full["suspend_unknown"], &full["refused"]), (&json!(["gone"]), &json!(3)));
    let stats = envoy.stats("maintenance.site.shop.rq_").await;
    let expected = [("rq_bypassed.root", 2), ("rq_bypassed.staff", 1), ("rq_refused", 3)];
    for (name, value) in expected {
        assert_eq!(stats[&format!("wasmcustom.maintenance.site.shop.{name}")], value, "{stats:?}");
    }
}

#[tokio::test]
async fn two_policies_in_one_vm_have_their_own_rules_and_share_documents() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = |rule: &str, sites: Value| {
        json!({
            "fleet": "test", "keys": [ops.entry("ops")], "sites": sites,
            "exempt": [{ "name": rule, "paths": [format!("/{rule}")] }],
        })
    };
    let first = policy("one", json!([{ "name": "shop" }]));
    let second = policy("two", json!([{ "name": "shop" }, { "name": "blog", "paths": ["/blog"] }]));
    let envoy = Envoy::builder(app.address())
        .policy(&first)
        .listener("second", &second)
        .control(&shop::control(&ops))
        .start()
        .await;
    let second = async |path: &str| {
        let url = format!("http://{}{path}", envoy.listener("second"));
        client::h1().get(url).send().await.unwrap().status().as_u16()
    };
    shop::push(&envoy, &ops, &document("blog", "offline")).await;
    assert_eq!((shop::get(&envoy, "/blog").await, second("/blog").await, second("/").await), (200, 503, 200));
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    assert_eq!((shop::get(&envoy, "/one").await, shop::get(&envoy, "/two").await), (200, 503));
    assert_eq!((second("/one").await, second("/two").await), (503, 200));
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!((shop::get(&envoy, "/x").await, second("/x").await, second("/blog/x").await), (200, 200, 503));
}

#[tokio::test]
async fn a_policy_may_have_sites_by_host_and_by_path_in_both_forms() {
    for form in [Form::Text, Form::Struct] {
        let (app, ops) = (App::start(), Signer::generate());
        let mut policy = shop::policy(&ops);
        policy["sites"] = json!([
            { "name": "shop", "hosts": ["shop.example.com", "*.shop.example.com"] },
            { "name": "api", "hosts": ["api.example.com"] },
            { "name": "checkout", "hosts": ["api.example.com"], "paths": ["/checkout", "/v2/checkout"] },
        ]);
        let envoy =
            Envoy::builder(app.address()).policy(&policy).control(&shop::control(&ops)).form(form).start().await;
        let rows = [
            ("shop.example.com", "/", "shop"),
            ("eu.shop.example.com", "/checkout", "shop"),
            ("api.example.com", "/", "api"),
            ("API.example.com:8443", "/checkouts", "api"),
            ("api.example.com", "/checkout", "checkout"),
            ("api.example.com", "/checkout/x?y", "checkout"),
            ("api.example.com.", "/v2/%63heckout/", "checkout"),
            ("other.example.com", "/checkout", ""),
        ];
        for closed in ["shop", "checkout", "api"] {
            shop::push(&envoy, &ops, &document(closed, "offline")).await;
            for (host, path, site) in rows {
                let expected = if site == closed { 503 } else { 200 };
                assert_eq!(ask(&envoy, "GET", host, path).await, expected, "{form:?}, {closed}: {host}{path}");
            }
            assert!(envoy.stat("wasmcustom.maintenance.no_site_passed").await > 0);
            shop::push(&envoy, &ops, &document(closed, "online")).await;
        }
    }
}

#[tokio::test]
async fn unknown_fields_of_a_document_are_ignored_and_shown() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &shop::policy(&ops), &ops).await;
    let mut closing = document("shop", "offline");
    closing["quorum"] = json!({ "of": 3 });
    closing["colour"] = "red".into();
    closing["critical"] = json!(["mode"]);
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
    let mut unknown: Vec<String> =
        serde_json::from_value(shop::full_status(&envoy, &ops, "shop").await["unknown_fields"].clone()).unwrap();
    unknown.sort();
    assert_eq!(unknown, ["colour", "quorum"]);
}

#[tokio::test]
async fn the_newest_document_wins_in_any_order_of_arrival() {
    let (app, ops) = (App::start(), Signer::generate());
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let site = |number: usize| format!("site{number}");
    let sites: Vec<Value> =
        (0..orders.len()).map(|number| json!({ "name": site(number), "paths": [format!("/{number}")] })).collect();
    let mut policy = shop::policy(&ops);
    policy["sites"] = sites.into();
    let envoy = envoy(&app, &policy, &ops).await;
    let revision = now_ms();
    for (number, order) in orders.iter().enumerate() {
        // Of the two documents with the same revision, the one with the greater digest is newer.
        let documents = [("offline", 0), ("read_only", 1), ("offline", 1)].map(|(mode, later)| {
            json!({ "site": site(number), "fleet": "test", "revision": revision + later, "mode": mode })
        });
        let mut last = Value::Null;
        for _ in 0..2 {
            for turn in order {
                let (status, answer) = envoy.push(&site(number), &ops.sign(&documents[*turn])).await;
                assert!(status == 200 || answer["code"] == "stale_revision", "{answer}");
            }
            let seen = envoy.site(&site(number)).await;
            assert!(last == Value::Null || last == seen["digest"], "{seen}");
            last = seen["digest"].clone();
        }
        let newest = [&documents[1], &documents[2]].map(|document| {
            hmac_sha256::Hash::hash(document.to_string().as_bytes()).map(|byte| format!("{byte:02x}")).concat()
        });
        assert_eq!(last, *newest.iter().max().unwrap(), "{order:?}");
    }
}
