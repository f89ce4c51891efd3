//! A thousand sites with documents of 8 KiB: the CPU time of a status and of an update, and the decisions of a new VM
//! that is still reading documents.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::{Envoy, Update};
use crate::support::raw::Connection;
use crate::support::signer::{Signer, now_ms};
use crate::support::{eventually, shop};

const SITES: usize = 1000;

/// A policy with a thousand sites, each with its own host.
fn policy(ops: &Signer, rule: &str) -> Value {
    let site = |number| json!({ "name": format!("s{number}"), "hosts": [format!("s{number}.example.com")] });
    json!({
        "fleet": "test", "keys": [ops.entry("ops")], "sites": (0..SITES).map(site).collect::<Vec<_>>(),
        "exempt": [{ "name": rule, "paths": [format!("/{rule}")] }],
    })
}

/// The status of a request to a site: every other site is closed.
fn expected(site: usize) -> u16 {
    if site.is_multiple_of(2) { 503 } else { 200 }
}

/// An Envoy with one worker and a document of nearly 8 KiB for each site.
async fn loaded(app: &App, ops: &Signer) -> Envoy {
    let envoy = Envoy::builder(app.address())
        .policy(&policy(ops, "r0"))
        .control(&shop::control(ops))
        .workers(1)
        .watched_file()
        .start()
        .await;
    let control = envoy.listener("control");
    // From many addresses, because each address has its own budget of signature checks.
    let senders = (0..40).map(async |sender: usize| {
        let from: IpAddr = format!("127.0.0.{}", 2 + sender).parse().unwrap();
        let mut connection = Connection::open_from(from, control).await;
        for site in (0..SITES).filter(|site| site % 40 == sender) {
            let mode = if expected(site) == 503 { "offline" } else { "online" };
            let document = json!({
                "site": format!("s{site}"), "fleet": "test", "revision": now_ms(), "mode": mode,
                "reason": "x".repeat(7900),
            });
            let signed = ops.sign(&document);
            let request = format!(
                "PUT /.maintenance/v1/sites/s{site} HTTP/1.1\r\nHost: a\r\nx-maintenance-document: {signed}\r\n\
                 content-length: 0\r\n\r\n"
            );
            eventually("the document is accepted", async || {
                connection.send(request.as_bytes()).await;
                let answer = connection.response().await.expect("a response");
                assert!([200, 429].contains(&answer.status), "{answer:?}");
                (answer.status == 200).then_some(())
            })
            .await;
        }
    });
    futures::future::join_all(senders).await;
    all_adopted(&envoy).await;
    envoy
}

async fn all_adopted(envoy: &Envoy) {
    eventually("the worker has adopted every document", async || {
        let (_, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
        let sites = answer["sites"].as_array().unwrap();
        let adopted =
            |site: &Value| site["workers"] == json!({ "members": 1, "adopted": 1 }) && site["channel"] == "push";
        (sites.len() == SITES && sites.iter().all(adopted)).then_some(())
    })
    .await;
}

/// The CPU time of the worker so far.
fn worker_cpu(envoy: &Envoy) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", envoy.pid())).unwrap();
    let worker = tasks
        .map(|task| task.unwrap().path())
        .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("wrk:worker_0")));
    let stat = fs::read_to_string(worker.expect("a worker").join("schedstat")).unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// The status of a request for this host.
async fn ask(connection: &mut Connection, host: &str, path: &str) -> u16 {
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
    connection.response().await.expect("a response").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_of_a_thousand_sites_takes_less_than_20_ms() {
    const STATUSES: u32 = 50;
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = loaded(&app, &ops).await;
    let before = worker_cpu(&envoy);
    for _ in 0..STATUSES {
        envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
    }
    let status = (worker_cpu(&envoy) - before) / STATUSES;
    assert!(status < Duration::from_millis(20), "a status takes {status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_request_after_an_update_does_not_wait_for_all_signatures() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut envoy = loaded(&app, &ops).await;
    for vm in ["", "another"] {
        let mut costs = Vec::new();
        for round in 0..3 {
            let before = worker_cpu(&envoy);
            let vm = if vm.is_empty() { String::new() } else { format!("{vm}{round}") };
            let policy = policy(&ops, &format!("u{vm}{round}"));
            assert_eq!(envoy.set_policy_in_new_vm(&vm, &policy).await, Update::Taken);
            let mut connection = Connection::open(envoy.data()).await;
            assert_eq!(ask(&mut connection, "s0.example.com", "/").await, 503);
            costs.push(worker_cpu(&envoy) - before);
            all_adopted(&envoy).await;
        }
        let least = costs.iter().min().unwrap();
        assert!(
            *least < Duration::from_millis(200),
            "CPU time until the first response, VM configuration {vm:?}: {costs:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_vm_decides_by_the_document_of_a_site_before_it_has_read_those_of_others() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut envoy = loaded(&app, &ops).await;
    for round in 1..=3 {
        let policy = policy(&ops, &format!("r{round}"));
        assert_eq!(envoy.set_policy_in_new_vm(&format!("vm{round}"), &policy).await, Update::Taken);
        let mut connection = Connection::open(envoy.data()).await;
        for site in (0..SITES).rev() {
            let status = ask(&mut connection, &format!("s{site}.example.com"), "/").await;
            assert_eq!(status, expected(site), "s{site} in round {round}");
            if site % 100 == 0 {
                assert_eq!(ask(&mut connection, "a@s1.example.com", "/").await, 503, "an ambiguous host");
            }
        }
        all_adopted(&envoy).await;
    }
}
