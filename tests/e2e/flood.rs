//! Strangers at the control endpoint: what they can make a worker do is bounded, and the application's visitors do not
//! notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, shop};

/// Signatures that a worker checks in a second for one address.
const BUDGET: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_bad_signatures_costs_its_budget_and_the_data_listener_goes_on() {
    let (app, ops, stranger) = (App::start(), Signer::generate(), Signer::generate());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(1)
        .start()
        .await;
    let forged = stranger.forge(&ops, &document("shop", "offline"));
    let request = format!(
        "PUT /.maintenance/v1/sites/shop HTTP/1.1\r\nHost: a\r\nx-maintenance-document: {forged}\r\ncontent-length: 0\r\n\r\n"
    );
    let (control, data) = (envoy.listener("control"), envoy.data());
    let begin = Instant::now();
    let flood = (0..4).map(|_| {
        let request = request.clone();
        tokio::spawn(async move {
            let (mut checked, mut busy) = (0_u64, 0_u64);
            let mut connection = Connection::open(control).await;
            while begin.elapsed() < Duration::from_secs(4) {
                connection.send(request.as_bytes()).await;
                let answer = connection.response().await.expect("an answer");
                let code: Value = serde_json::from_slice(&answer.body).unwrap();
                match (answer.status, code["code"].as_str()) {
                    (401, Some("bad_signature")) => checked += 1,
                    (429, Some("busy")) => busy += 1,
                    other => panic!("{other:?}"),
                }
            }
            (checked, busy)
        })
    });
    let flood: Vec<_> = flood.collect();
    let mut connection = Connection::open(data).await;
    let (mut served, mut slowest) = (0, Duration::ZERO);
    while begin.elapsed() < Duration::from_secs(4) {
        let sent = Instant::now();
        connection.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(connection.response().await.expect("an answer").status, 200);
        slowest = slowest.max(sent.elapsed());
        served += 1;
    }
    let (mut checked, mut busy) = (0, 0);
    for flood in flood {
        let (more_checked, more_busy) = flood.await.expect("the flood ran to its end");
        checked += more_checked;
        busy += more_busy;
    }
    // A second more than it lasted, as it may begin and end within one.
    let seconds = begin.elapsed().as_secs() + 2;
    assert!(checked >= BUDGET && checked <= BUDGET * seconds, "{checked} checked in {seconds} s, {busy} busy");
    assert!(busy > checked, "{checked} checked, {busy} busy: no flood");
    assert!(served > 100 && slowest < Duration::from_secs(2), "{served} served, the slowest in {slowest:?}");
    assert_eq!(app.hits_of("/a"), served);
    assert_eq!(envoy.site("shop").await["channel"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_is_heard_while_others_send_bogus_documents_from_one_or_many_addresses() {
    let (app, ops, stranger) = (App::start(), Signer::generate(), Signer::generate());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(1)
        .start()
        .await;
    let control = envoy.listener("control");
    let desk = Desk::pushing(&ops, &[envoy.control_url("").trim_end_matches('/')]);
    for addresses in [1, 40] {
        let busy = Arc::new(AtomicU64::new(0));
        let flood = (0..40).map(|number| {
            let forged = stranger.forge(&ops, &document("shop", "offline"));
            let request = format!(
                "PUT /.maintenance/v1/sites/shop HTTP/1.1\r\nHost: a\r\nx-maintenance-document: {forged}\r\n\
                 content-length: 0\r\n\r\n"
            );
            let busy = busy.clone();
            tokio::spawn(async move {
                let from = format!("127.0.0.{}", 2 + number % addresses).parse().unwrap();
                let mut connection = Connection::open_from(from, control).await;
                loop {
                    connection.send(request.as_bytes()).await;
                    let answer = connection.response().await.expect("an answer");
                    busy.fetch_add(u64::from(answer.status == 429), Ordering::Relaxed);
                }
            })
        });
        let flood: Vec<_> = flood.collect();
        for round in 0..6 {
            let before = busy.load(Ordering::Relaxed);
            eventually("the budget is used up", async || (busy.load(Ordering::Relaxed) > before).then_some(())).await;
            let command = if round % 2 == 0 { "close shop" } else { "open shop" };
            let output = desk.run(&format!("{command} --timeout 4s")).await;
            assert_eq!(output.code, 0, "{addresses} addresses, {command}: {output:?}");
        }
        flood.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn too_many_signatures_in_a_second_are_busy_and_the_next_second_is_not() {
    let (app, ops, stranger) = (App::start(), Signer::generate(), Signer::generate());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(1)
        .start()
        .await;
    let forged = stranger.forge(&ops, &document("shop", "offline"));
    eventually("the budget is used up", async || {
        let (status, answer) = envoy.push("shop", &forged).await;
        match status {
            401 => assert_eq!(answer["code"], "bad_signature"),
            _ => assert_eq!((status, &answer["code"]), (429, &json!("busy"))),
        }
        (status == 429).then_some(())
    })
    .await;
    assert_eq!(envoy.site("shop").await["mode"], "online");
    let closing = document("shop", "offline");
    eventually("an operator is heard again", async || {
        let (status, answer) = envoy.push("shop", &ops.sign(&closing)).await;
        assert!(status == 200 || answer["code"] == "busy", "{answer}");
        (status == 200).then_some(())
    })
    .await;
}
