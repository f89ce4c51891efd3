//! While all sites are online, a request makes no hostcall. The test counts the hostcalls in Envoy's trace log.

use std::collections::BTreeMap;

use hyper::Method;

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, shop};

/// The number of hostcalls within each call of `callback` for a stream, in the order of Envoy's log.
fn hostcalls(log: &str, callback: &str) -> Vec<usize> {
    let (enter, leave) = (format!("[host->vm] {callback}("), format!("[host<-vm] {callback} return"));
    // The callback that each thread runs now, and its hostcalls so far.
    let mut running: BTreeMap<&str, usize> = BTreeMap::new();
    let mut counts = Vec::new();
    for line in log.lines() {
        let Some(thread) = line.split(['[', ']']).nth(3) else { continue };
        // A context with the parent 0 is a root context.
        if line.contains(&enter) && !line.ends_with(", 0)") {
            running.insert(thread, 0);
        } else if line.contains("[vm->host]") {
            running.entry(thread).and_modify(|count| *count += 1);
        } else if line.contains(&leave) {
            counts.extend(running.remove(thread));
        }
    }
    counts
}

#[tokio::test]
async fn a_request_to_an_online_site_makes_no_hostcall() {
    const REQUESTS: usize = 20;
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    policy["exempt"] = serde_json::json!([{ "name": "office", "remote_ips": ["10.0.0.0/8"], "paths": ["/a*"] }]);
    let envoy = Envoy::builder(app.address()).policy(&policy).control(&shop::control(&ops)).start().await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    envoy.admin(Method::POST, "/logging?wasm=trace").await;
    let calls = async |status: u16| {
        let seen = envoy.log().len();
        for _ in 0..REQUESTS {
            assert_eq!(shop::get(&envoy, "/a?b=c").await, status);
        }
        eventually("the trace has every request", async || {
            let log = envoy.log();
            let calls = |callback: &str| hostcalls(&log[seen..], callback);
            let calls = ["proxy_on_context_create", "proxy_on_request_headers", "proxy_on_delete"].map(calls);
            calls.iter().all(|calls| calls.len() >= REQUESTS).then_some(calls)
        })
        .await
    };
    for (calls, callback) in calls(200).await.iter().zip(["create", "request", "delete"]) {
        assert_eq!(calls, &[0; REQUESTS], "{callback}");
    }
    // A refusal does make hostcalls, and the trace shows them.
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    let [_, requests, _] = calls(503).await;
    assert!(requests.iter().rev().take(REQUESTS).all(|count| *count > 2), "{requests:?}");
}
