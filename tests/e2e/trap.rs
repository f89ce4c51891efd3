//! Traps: a worker whose VM has trapped refuses requests, and the VM that replaces it becomes the member.

use std::time::{Duration, Instant};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, faults, shop};

const WORKERS: u32 = 2;

#[tokio::test]
async fn after_a_trap_requests_are_refused_and_the_new_vm_replaces_the_old_one_as_member() {
    let (app, ops, folder) = (App::start(), Signer::generate(), tempfile::tempdir().unwrap());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .module(&faults::traps_at_bodies(folder.path()))
        .start()
        .await;
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    // A VM that joins within four seconds of the first one does not count as its replacement.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let mut worker = Connection::open(envoy.data()).await;
    worker.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
    let answer = worker.response().await.unwrap();
    assert_eq!((answer.status, answer.header("x-maintenance-mode")), (503, None), "Envoy's own response");
    assert!(envoy.log_contains("proxy_on_request_headers failed"));
    let started = Instant::now();
    let counted = async || envoy.site("shop").await["workers"].clone();
    eventually("only the live VMs are members", async || {
        assert_eq!(shop::get(&envoy, "/").await, 503);
        // The trapped VM may count until it has been silent for long enough, but never as adopted.
        let is_over = started.elapsed() > Duration::from_millis(4500);
        let workers = counted().await;
        (is_over && workers == envoy.all_adopted()).then_some(())
    })
    .await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(counted().await, envoy.all_adopted());
    assert_eq!(app.hits(), 0);
    for _ in 0..20 {
        assert_eq!(shop::get(&envoy, "/").await, 200);
    }
}

#[tokio::test]
async fn vms_that_trap_one_after_another_do_not_stay_members() {
    let (app, ops, folder) = (App::start(), Signer::generate(), tempfile::tempdir().unwrap());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(1)
        .module(&faults::traps_at_bodies(folder.path()))
        .start()
        .await;
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    for turn in 0..2 {
        let mut worker = Connection::open(envoy.data()).await;
        worker.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
        assert_eq!(worker.response().await.unwrap().header("x-maintenance-mode"), None, "{turn}");
        eventually("the next VM responds", async || {
            let mut worker = Connection::open(envoy.data()).await;
            worker.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let answer = worker.response().await.unwrap();
            assert_eq!(answer.status, 503);
            answer.header("x-maintenance-mode").map(|_| ())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_millis(4500)).await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    assert_eq!((app.hits(), shop::get(&envoy, "/").await), (0, 200));
}
