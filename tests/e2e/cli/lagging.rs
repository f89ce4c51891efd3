//! Envoys that lack the current document, and failures while maintctl brings them up to date.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::reach::envoy;
use super::{FLEET, pushing, status_of};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{eventually, preload};

#[tokio::test]
async fn an_expired_document_is_signed_again_for_an_envoy_without_one() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let mut old = document("shop", "offline");
    old["fleet"] = FLEET.into();
    old["reason"] = "Upgrade".into();
    // Envoys accept a document for five minutes.
    let made = now_ms() - 295_000;
    old["revision"] = made.into();
    let (status, answer) = one.push("shop", &signer.sign(&old)).await;
    assert_eq!(status, 200, "{answer}");
    eventually("the document has expired", async || (now_ms() > made + 301_000).then_some(())).await;
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stdout.contains("already OFFLINE")), (0, true), "{output:?}");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["mode"], &site["reason"]), (&json!("offline"), &json!("Upgrade")));
}

#[tokio::test]
async fn status_names_the_envoys_that_lag_and_the_reason() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close shop").await.code, 0);
    two.restart().await;
    two.wait_for_workers("shop").await;
    let output = desk.run("status shop").await;
    assert_eq!(output.code, 3, "{output:?}");
    let lines: Vec<_> = output.stderr.lines().filter(|line| line.contains("shop: ")).collect();
    let [line] = lines[..] else { panic!("{output:?}") };
    assert!(line.contains(&two.endpoint()) && line.contains("ONLINE, has no document since its start at "), "{line}");
    assert!(output.stderr.ends_with("To update them, run `maintctl sync`\n"), "{output:?}");
    let output = desk.run("status shop --json").await;
    let answer: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let envoys = &answer["sites"][0]["envoys"];
    assert_eq!((&envoys["total"], &envoys["followed"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(envoys["lagging"].as_array().unwrap().len(), 1, "{answer}");
    // A dead Envoy hides neither the other one nor the advice.
    const DEAD: &str = "http://127.0.0.1:1/.maintenance";
    let output = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint(), DEAD]).run("status shop").await;
    assert_eq!(output.code, 3, "{output:?}");
    for part in
        ["1 of 3 Envoys cannot be read:\n  http://127.0.0.1:1/", line, "\nTo update them, run `maintctl sync`\n"]
    {
        assert!(output.stderr.contains(part), "{part}: {output:?}");
    }
    assert_eq!(desk.run("close shop").await.code, 0);
    assert_eq!(desk.json("status shop --json").await["sites"][0]["envoys"]["lagging"], json!([]));
}

#[tokio::test]
async fn an_until_that_has_passed_by_envoys_clock_is_not_a_success() {
    let (_app, envoy, desk, _) = pushing().await;
    let library = preload::library(desk.path());
    let mut command = desk.command("close shop --for 60s --timeout 2s");
    let output = command.env("LD_PRELOAD", &library).env("SECONDS_AHEAD", "-100").output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    for part in [
        "warning: ",
        ": its clock says 20",
        "shop: online instead of offline, because its clock says 20",
        "correct the clock that is wrong",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(status_of(&envoy).await, 200);
    let output =
        desk.command("status").env("LD_PRELOAD", &library).env("SECONDS_AHEAD", "-100").output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(": its clock says 20"), "{error}");
    assert!(!desk.run("status").await.stderr.contains("clock"));
}

#[tokio::test]
async fn a_url_without_the_path_prefix_is_an_error_that_suggests_it() {
    let (_app, envoy, desk, signer) = pushing().await;
    let bare = format!("http://{}", envoy.listener("control"));
    let output = Desk::pushing(&signer, &[&bare]).run("close shop").await;
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.contains("does the URL end in the policy's `control.path_prefix`?"), "{output:?}");
    assert_eq!(desk.run("close shop").await.code, 0);
}

#[tokio::test]
async fn a_failed_request_is_retried() {
    let (_app, envoy, _, signer) = pushing().await;
    let (proxy, has_failed) = failing_once_after_a_put(&envoy).await;
    let output = Desk::pushing(&signer, &[&proxy]).run("close shop").await;
    assert_eq!((output.code, has_failed.load(Ordering::Relaxed)), (0, true), "{output:?}");
    assert_eq!(status_of(&envoy).await, 503);
}

/// A proxy of an Envoy's control endpoint that answers 503 to the first request after the first PUT.
async fn failing_once_after_a_put(envoy: &crate::support::envoy::Envoy) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/.maintenance", listener.local_addr().unwrap());
    let (server, has_put, has_failed) = (envoy.listener("control"), Arc::default(), Arc::<AtomicBool>::default());
    let failed = Arc::clone(&has_failed);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(relay(client, server, Arc::clone(&has_put), Arc::clone(&failed)));
        }
    });
    (url, has_failed)
}

async fn relay(client: TcpStream, server: std::net::SocketAddr, has_put: Arc<AtomicBool>, has_failed: Arc<AtomicBool>) {
    let server = TcpStream::connect(server).await.unwrap();
    let (requests, mut responses) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut lines = BufReader::new(requests).lines();
    let mut head = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        head.push_str(&format!("{line}\r\n"));
        if !line.is_empty() {
            continue;
        }
        let head = std::mem::take(&mut head);
        if head.starts_with("PUT ") {
            has_put.store(true, Ordering::Relaxed);
        } else if has_put.load(Ordering::Relaxed) && !has_failed.swap(true, Ordering::Relaxed) {
            let _ = responses.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
            continue;
        }
        to_server.write_all(head.as_bytes()).await.unwrap();
        // A response is short, and the client sends the next request after it.
        let mut answer = vec![0; 65_536];
        let length = tokio::io::AsyncReadExt::read(&mut from_server, &mut answer).await.unwrap_or(0);
        let _ = responses.write_all(&answer[..length]).await;
    }
}
