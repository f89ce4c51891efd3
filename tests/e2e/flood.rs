//! Floods of documents with invalid signatures: the work of a worker is bounded, and neither visitors nor operators are
//! shut out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, shop};

/// The number of signatures that a worker checks per second and client address.
const BUDGET: u64 = 50;

/// Forty connections, each of which sends forged documents as fast as it gets responses.
struct Flood {
    begin: Instant,
    senders: Vec<JoinHandle<()>>,
    /// The number of documents whose signature the filter has checked.
    checked: Arc<AtomicU64>,
    /// The number of documents that were rejected because the budget was exhausted.
    busy: Arc<AtomicU64>,
}

impl Flood {
    /// Starts a flood from this number of client addresses.
    fn start(envoy: &Envoy, ops: &Signer, addresses: u8) -> Flood {
        let forged = Signer::generate().forge(ops, &document("shop", "offline"));
        let request = format!(
            "PUT /.maintenance/v1/sites/shop HTTP/1.1\r\nHost: a\r\nx-maintenance-document: {forged}\r\n\
             content-length: 0\r\n\r\n"
        );
        let (checked, busy) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let control = envoy.listener("control");
        let senders = (0..40).map(|number| {
            let from = IpAddr::from([127, 0, 0, 2 + number % addresses]);
            tokio::spawn(send_for_ever(from, control, request.clone(), checked.clone(), busy.clone()))
        });
        Flood { begin: Instant::now(), senders: senders.collect(), checked, busy }
    }

    fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Waits until the filter rejects documents because the budget is exhausted.
    async fn wait_until_busy(&self) {
        let before = self.busy();
        eventually("the budget is exhausted", async || (self.busy() > before).then_some(())).await;
    }

    /// Ends the flood, no sender of which may have panicked.
    async fn end(self) {
        for sender in self.senders {
            sender.abort();
            assert!(sender.await.expect_err("a sender does not return").is_cancelled(), "a sender has panicked");
        }
    }
}

async fn send_for_ever(from: IpAddr, to: SocketAddr, request: String, checked: Arc<AtomicU64>, busy: Arc<AtomicU64>) {
    let mut connection = Connection::open_from(from, to).await;
    loop {
        connection.send(request.as_bytes()).await;
        let response = connection.response().await.expect("a response");
        let problem: Value = serde_json::from_slice(&response.body).unwrap();
        let count = match (response.status, problem["code"].as_str()) {
            (401, Some("bad_signature")) => &checked,
            (429, Some("busy")) => &busy,
            other => panic!("{other:?}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// An Envoy with one worker, so that there is one budget.
async fn envoy(app: &App, ops: &Signer) -> Envoy {
    Envoy::builder(app.address()).policy(&shop::policy(ops)).control(&shop::control(ops)).workers(1).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_invalid_signatures_is_limited_and_does_not_block_the_data_listener() {
    const REQUESTS: u64 = 200;
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &ops).await;
    let flood = Flood::start(&envoy, &ops, 1);
    let mut connection = Connection::open(envoy.data()).await;
    for _ in 0..REQUESTS {
        connection.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(connection.response().await.expect("a response").status, 200);
    }
    assert_eq!(app.hits_of("/a"), REQUESTS);
    eventually("most documents are rejected without a check", async || {
        (flood.checked() >= BUDGET && flood.busy() > 2 * flood.checked()).then_some(())
    })
    .await;
    // The first and the last second of the flood may be partial ones.
    let (checked, seconds) = (flood.checked(), flood.begin.elapsed().as_secs() + 2);
    assert!(checked <= BUDGET * seconds, "{checked} signatures checked in {seconds} s");
    assert_eq!(envoy.site("shop").await["channel"], Value::Null);
    flood.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_succeeds_during_floods_from_one_or_many_addresses() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &ops).await;
    let desk = Desk::pushing(&ops, &[&envoy.endpoint()]);
    for addresses in [1, 40] {
        let flood = Flood::start(&envoy, &ops, addresses);
        for command in ["close shop", "open shop"].repeat(3) {
            flood.wait_until_busy().await;
            let output = desk.run(command).await;
            assert_eq!(output.code, 0, "{addresses} addresses, {command}: {output:?}");
        }
        flood.end().await;
    }
}

#[tokio::test]
async fn the_budget_of_signature_checks_is_renewed_every_second() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &ops).await;
    let forged = Signer::generate().forge(&ops, &document("shop", "offline"));
    eventually("the budget is exhausted", async || {
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
    eventually("a valid document is accepted again", async || {
        let (status, answer) = envoy.push("shop", &ops.sign(&closing)).await;
        assert!(status == 200 || answer["code"] == "busy", "{answer}");
        (status == 200).then_some(())
    })
    .await;
}
