//! Traps: a worker whose VM has trapped refuses requests, and the VM that replaces it becomes the member.

use std::time::Duration;

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, faults, shop};

const WORKERS: u32 = 2;

/// The VMs find the number of threads within two seconds of the start. Nothing shows it, and the record of a VM that traps
/// before stays.
async fn the_number_of_threads_is_known() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

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
    the_number_of_threads_is_known().await;

    let mut worker = Connection::open(envoy.data()).await;
    worker.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
    let answer = worker.response().await.unwrap();
    assert_eq!((answer.status, answer.header("x-maintenance-mode")), (503, None), "Envoy's own response");
    assert!(envoy.log_contains("proxy_on_request_headers failed"));
    assert_eq!((shop::get(&envoy, "/").await, app.hits()), (503, 0));
    assert_eq!(envoy.push("shop", &ops.sign(&document("shop", "online"))).await.0, 200);
    eventually("the VM that has trapped, which cannot adopt the document, is no member", async || {
        // A request on a new connection may reach the worker whose VM has trapped.
        shop::get(&envoy, "/").await;
        let seen = envoy.site("shop").await;
        (seen["mode"] == "online" && seen["workers"] == envoy.all_adopted()).then_some(())
    })
    .await;
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
    the_number_of_threads_is_known().await;
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
    assert_eq!(app.hits(), 0);
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}
