//! Invalid policies: a running Envoy keeps its policy and loses no request; a starting Envoy exits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::envoy::{Envoy, Update};
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{DEADLINE, eventually, shop};

/// Invalid policies, and the error in the log.
fn bad() -> [(Value, &'static str); 5] {
    [
        (json!({ "sits": [] }), "sits: unknown field"),
        (json!({ "sites": [{ "name": "Shop" }] }), "sites[0].name: \"Shop\" is not a name"),
        (
            json!({ "sites": [{ "name": "shop", "exempt": [{ "name": "a", "remote_ips": ["10.0.0.0/99"] }] }] }),
            "sites[0].exempt[0].remote_ips[0]: \"10.0.0.0/99\"",
        ),
        (json!({ "state": { "shop": { "mode": "offline" } } }), "state.shop: no site has this name"),
        (json!({ "keys": [{ "name": "a" }] }), "keys[0]"),
    ]
}

#[tokio::test]
async fn an_invalid_policy_disturbs_no_request_and_the_next_valid_one_is_accepted() {
    let (app, ops) = (App::start(), Signer::generate());
    for form in [Form::Text, Form::Struct] {
        let policy = shop::policy(&ops);
        let envoy = Envoy::builder(app.address())
            .policy(&policy)
            .control(&shop::control(&ops))
            .watched_file()
            .form(form)
            .start()
            .await;
        shop::push(&envoy, &ops, &document("shop", "online")).await;
        // These connections send requests until the test drops its handle of the counter.
        let (count, to, begin) = (Arc::new(AtomicU64::new(0)), envoy.data(), std::time::Instant::now());
        let traffic: Vec<_> = (0..4)
            .map(|index| {
                let count = count.clone();
                tokio::spawn(async move {
                    let mut connection = Connection::open(to).await;
                    while Arc::strong_count(&count) > 4 && begin.elapsed() < 5 * DEADLINE {
                        connection.send(b"GET /t HTTP/1.1\r\nHost: a\r\n\r\n").await;
                        assert_eq!(connection.response().await.expect("a response").status, 200);
                        count.fetch_add(1, Ordering::Relaxed);
                        if index % 2 == 0 {
                            connection = Connection::open(to).await;
                        }
                    }
                })
            })
            .collect();
        for (bad, logged) in bad() {
            let before = count.load(Ordering::Relaxed);
            assert_eq!(envoy.set_policy(&bad).await, Update::Refused, "{bad}");
            assert!(envoy.log_contains(logged), "{logged}: {}", envoy.log());
            eventually("requests continue", async || (count.load(Ordering::Relaxed) > before + 20).then_some(())).await;
        }
        if form == Form::Text {
            assert_eq!(envoy.set_policy_text("{").await, Update::Refused);
        }
        drop(count);
        for traffic in traffic {
            traffic.await.expect("every request got its response");
        }
        // The previous policy still adopts documents, and the next valid policy replaces it.
        shop::push(&envoy, &ops, &document("shop", "offline")).await;
        assert_eq!(shop::get(&envoy, "/").await, 503);
        let mut good = policy.clone();
        good["exempt"] = json!([{ "name": "a", "paths": ["/a"] }]);
        assert_eq!(envoy.set_policy(&good).await, Update::Taken);
        eventually("the new rule is in effect", async || (shop::get(&envoy, "/a").await == 200).then_some(())).await;
        assert_eq!(shop::get(&envoy, "/").await, 503);
    }
}

#[tokio::test]
async fn with_an_invalid_policy_envoy_does_not_start_and_logs_the_error() {
    let app = App::start();
    for form in [Form::Text, Form::Struct] {
        for (bad, logged) in bad() {
            let log = Envoy::builder(app.address())
                .policy(&bad)
                .form(form)
                .try_start()
                .await
                .err()
                .expect("Envoy does not start");
            assert!(log.contains(&format!("policy refused: {logged}")), "{logged}: {log}");
        }
    }
}
