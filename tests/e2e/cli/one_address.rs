//! Several Envoys behind one address: maintctl must not take them for one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::reach::{envoy, second_envoy};
use super::status_of;
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::Signer;

#[tokio::test]
async fn two_envoys_on_one_port_are_detected() {
    let (app, signer) = (App::start(), Signer::generate());
    let one = envoy(&app, &signer, "one").await;
    let port = one.listener("control").port();
    // With `enable_reuse_port`, which is Envoy's default, the kernel distributes connections between both.
    let two = second_envoy(&app, &signer, json!({ "address": "127.0.0.1", "port_value": port })).await;
    assert_eq!(two.listener("control").port(), port);
    let desk = Desk::pushing(&signer, &[&one.endpoint()]);
    for round in 0..40 {
        let words = if round % 4 == 3 { "status" } else { "close shop --timeout 1s" };
        let output = desk.run(words).await;
        assert_eq!(output.code, 3, "round {round}: {output:?}");
        assert!(output.stderr.contains("load balancer"), "round {round}: {output:?}");
    }
}

#[tokio::test]
async fn an_envoy_that_joins_an_address_after_the_push_is_detected() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let address = joined_after_a_put(one.listener("control"), two.listener("control")).await;
    let desk = Desk::pushing(&signer, &[&format!("http://{address}/.maintenance")]);
    let output = desk.run("close shop --timeout 3s").await;
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stdout.contains("OFFLINE (adopted by 0/1 Envoys)"), "{output:?}");
    assert!(output.stderr.contains("respond at this address"), "{output:?}");
    assert!(!output.stderr.contains("nothing changed"), "{output:?}");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 200));
}

/// The address of a proxy to the first Envoy until the first PUT, and then to both in turn.
async fn joined_after_a_put(one: SocketAddr, two: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (has_put, turns) = (Arc::<AtomicBool>::default(), AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let is_second = has_put.load(Ordering::Relaxed) && turns.fetch_add(1, Ordering::Relaxed) % 2 == 1;
            tokio::spawn(relay(client, if is_second { two } else { one }, Arc::clone(&has_put)));
        }
    });
    address
}

async fn relay(client: TcpStream, server: SocketAddr, has_put: Arc<AtomicBool>) {
    let server = TcpStream::connect(server).await.unwrap();
    let ((mut requests, mut to_client), (mut responses, mut to_server)) = (client.into_split(), server.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut responses, &mut to_client).await });
    let mut bytes = vec![0; 65_536];
    while let Ok(length @ 1..) = requests.read(&mut bytes).await {
        if bytes.starts_with(b"PUT ") {
            has_put.store(true, Ordering::Relaxed);
        }
        if to_server.write_all(&bytes[..length]).await.is_err() {
            break;
        }
    }
    back.abort();
}

#[tokio::test]
async fn every_envoy_is_queried_over_many_new_connections() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let connections = async || {
        let (one, two) =
            (one.stats("http.control.downstream_cx_total").await, two.stats("http.control.downstream_cx_total").await);
        [one, two].map(|stats| stats["http.control.downstream_cx_total"])
    };
    let before = connections().await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let after = connections().await;
    for (before, after) in before.into_iter().zip(after) {
        // Sixteen new connections in the proof miss a second Envoy less than once in 10,000.
        assert!(after - before >= 16, "{before} {after}");
    }
    let answer = desk.json("status shop --json").await;
    assert_eq!(answer["sites"][0]["envoys"]["followed"], json!(2), "{answer}");
}
