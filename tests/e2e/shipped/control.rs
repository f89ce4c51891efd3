//! The control listener of the shipped bootstraps: its rate limit, and mutual TLS with the commented lines enabled.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{BOOTSTRAPS, bootstrap, changed_bootstrap, shipped};
use crate::support::client::{Output, curl};
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::raw::Connection;
use crate::support::signer::Signer;
use crate::support::tls::Tls;

const STATUS: &str = "/.maintenance/v1/status";

/// The token bucket of the control listener, which limits each connection.
fn bucket(bootstrap: &mut Value) -> &mut Value {
    let manager = &mut bootstrap["static_resources"]["listeners"][1]["filter_chains"][0]["filters"][0]["typed_config"];
    let limit = &mut manager["http_filters"][0];
    assert_eq!(limit["name"], "local_ratelimit");
    &mut limit["typed_config"]["token_bucket"]
}

#[tokio::test]
async fn the_rate_limit_applies_to_each_connection() {
    for name in BOOTSTRAPS {
        let folder = TempDir::new().unwrap();
        let mut bootstrap = bootstrap(name, folder.path(), None);
        let burst = bucket(&mut bootstrap)["max_tokens"].as_u64().unwrap();
        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        let control = envoy.listener("control");
        let request = format!("GET {STATUS} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (mut flood, mut other) = (Connection::open(control).await, Connection::open(control).await);
        let mut answered = 0;
        eventually("the flood gets a 429", async || {
            for _ in 0..100 {
                flood.send(request.as_bytes()).await;
                match flood.response().await.expect("a response").status {
                    200 => answered += 1,
                    429 => return Some(()),
                    status => panic!("{name}: {status}"),
                }
            }
            None
        })
        .await;
        assert!(answered >= burst, "{name}: 429 after {answered} responses");
        other.send(request.as_bytes()).await;
        assert_eq!(other.response().await.expect("a response").status, 200, "{name}");
    }
}

#[tokio::test]
async fn maintctl_retries_requests_that_the_rate_limit_rejects() {
    let (folder, signer) = (TempDir::new().unwrap(), Signer::generate());
    let example = "gYJaw-0h1bAImXaQnJYUAzd5m2Bna9E67vxP3Eqld9g";
    let text = shipped("push.yaml").replace(example, signer.jwk()["x"].as_str().unwrap());
    let mut bootstrap = changed_bootstrap("push.yaml", &text, folder.path(), None);
    *bucket(&mut bootstrap) = json!({ "max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "0.1s" });
    let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
    let desk = Desk::pushing(&signer, &[&envoy.control_url("")]);
    let config = fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    desk.write("maintctl.toml", &config.replace(&format!("\"{FLEET}\""), "\"demo\""));
    let closed = desk.run("close demo --reason upgrade").await;
    assert_eq!(closed.code, 0, "{closed:?}");
    assert!(envoy.stat("control.http_local_rate_limit.enforced").await > 0, "the rate limit has rejected no request");
}

/// Uncomments the lines of a bootstrap from `transport_socket` on.
fn with_mutual_tls(text: &str, folder: &Path) -> String {
    let (before, from) = text.split_once("      # transport_socket:").expect("a commented transport_socket");
    let commented = from.lines().take_while(|line| line.is_empty() || line.starts_with("      # ")).count();
    let lines = from.lines().enumerate().map(|(number, line)| {
        let is_commented = (1..commented).contains(&number);
        if is_commented { line.replacen("      # ", "      ", 1) } else { line.to_owned() }
    });
    let after = lines.collect::<Vec<_>>().join("\n");
    format!("{before}      transport_socket:{after}")
        .replace("filename: tls/", &format!("filename: {}/", folder.display()))
}

/// Requests the status with curl over TLS, with this client certificate, if any.
async fn ask(control: SocketAddr, folder: &Path, identity: Option<&str>) -> Output {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let url = format!("https://{control}{STATUS}");
    let (authority, own) = (
        file("operators.pem"),
        identity.map(|pem| {
            fs::write(folder.join("client.pem"), pem).unwrap();
            file("client.pem")
        }),
    );
    let mut arguments = vec!["--cacert", &authority, &url];
    if let Some(own) = &own {
        arguments.extend(["--cert", own]);
    }
    curl(&arguments).await
}

#[tokio::test]
async fn with_the_lines_uncommented_the_control_listener_requires_a_certificate_of_the_authority() {
    for name in BOOTSTRAPS {
        let (folder, tls) = (TempDir::new().unwrap(), Tls::new());
        let server = &tls.downstream()["common_tls_context"]["tls_certificates"][0];
        for (file, pem) in [
            ("control.pem", server["certificate_chain"]["inline_string"].as_str().unwrap()),
            ("control.key", server["private_key"]["inline_string"].as_str().unwrap()),
            ("operators.pem", &tls.ca()),
        ] {
            fs::write(folder.path().join(file), pem).unwrap();
        }
        let text = with_mutual_tls(&shipped(name), folder.path());
        let bootstrap = changed_bootstrap(name, &text, folder.path(), None);
        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        let control = envoy.listener("control");

        let own = ask(control, folder.path(), Some(&tls.client(&["spiffe://cluster.local/ns/ops"]))).await;
        assert_eq!(own.code, 0, "{name}: {own:?}");
        let status: Value = serde_json::from_str(&own.stdout).unwrap();
        assert_eq!(status["sites"][0]["site"], "demo", "{name}: {status}");
        for (identity, pem) in [
            ("no certificate", None),
            ("a certificate of another authority", Some(Tls::new().client(&[]))),
            ("a self-signed certificate", Some(Tls::self_signed_client(&[]))),
        ] {
            let output = ask(control, folder.path(), pem.as_deref()).await;
            assert!(output.code != 0 && output.stdout.is_empty(), "{name}, {identity}: {output:?}");
        }
        let stats = envoy.stats("ssl.fail_verify").await;
        let refused =
            |reason: &str| stats.iter().filter(|(stat, _)| stat.ends_with(reason)).map(|(_, value)| value).sum::<u64>();
        assert_eq!((refused("fail_verify_no_cert"), refused("fail_verify_error")), (1, 2), "{name}: {stats:?}");
    }
}

#[tokio::test]
async fn the_control_listener_drops_headers_with_underscores() {
    for name in BOOTSTRAPS {
        let folder = TempDir::new().unwrap();
        let envoy = Envoy::with_bootstrap(bootstrap(name, folder.path(), None), Some("/.maintenance")).await;
        let answer = envoy.control(hyper::Method::GET, "/v1/status", &[("x_maintenance_document", "a")]).await;
        assert_eq!(answer.0, 200, "{name}: {answer:?}");
        let stats = envoy.stats("dropped_headers_with_underscores").await;
        assert_eq!(stats.values().sum::<u64>(), 1, "{name}: {stats:?}");
    }
}
