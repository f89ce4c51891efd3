//! A VM that has trapped: what its worker does until there is another one, and who is counted then.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, shop, variants};

const WORKERS: u32 = 2;

#[tokio::test]
async fn a_trap_opens_nothing_and_the_vm_that_follows_takes_the_place_of_the_one_that_trapped() {
    let (app, ops, folder) = (App::start(), Signer::generate(), tempfile::tempdir().unwrap());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .module(&variants::traps_at_bodies(folder.path()))
        .start()
        .await;
    let all = json!({ "members": WORKERS, "adopted": WORKERS });
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    assert_eq!(envoy.site("shop").await["workers"], all);
    // What starts within four seconds of the first has not taken anybody's place.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let mut worker = Connection::open(envoy.data()).await;
    worker.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
    let answer = worker.response().await.unwrap();
    assert_eq!((answer.status, answer.header("x-maintenance-mode")), (503, None), "Envoy's own answer");
    assert!(envoy.log_contains("proxy_on_request_headers failed"));
    let started = Instant::now();
    let counted = async || envoy.site("shop").await["workers"].clone();
    eventually("the dead VM is counted no more", async || {
        assert_eq!(shop::get(&envoy, "/").await, 503);
        // It may be counted until it has been silent for long enough, but never as one that follows.
        let is_over = started.elapsed() > Duration::from_millis(4500);
        let workers = counted().await;
        (is_over && workers == all).then_some(())
    })
    .await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(counted().await, all);
    assert_eq!(app.hits(), 0);
    for _ in 0..20 {
        assert_eq!(shop::get(&envoy, "/").await, 200);
    }
}
