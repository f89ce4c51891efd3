//! Paths that servers interpret differently, sent through a real Envoy and a real nginx.
//!
//! These tests verify the models of both that `cargo test --test paths` uses to search many more paths.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::bootstrap;
use crate::support::envoy::Envoy;
use crate::support::nginx::Nginx;
use crate::support::raw::Connection;
use crate::support::target::TargetApp;

#[path = "../paths/generate.rs"]
mod generate;
#[path = "../paths/envoy.rs"]
mod model;
#[path = "../paths/servers/mod.rs"]
mod servers;

use model::{EnvoyAnswer, Setting};
use servers::nginx;
use servers::steps::decode_unreserved;

const SETTINGS: [(&str, Setting); 3] =
    [("defaults", Setting::Defaults), ("base", Setting::Base), ("shipped", Setting::Shipped)];

/// Paths of earlier bypasses.
const EARLIER_BYPASSES: &[&str] = &[
    "/.well-known/acme-challenge/%252e%252e/%252e%252e/checkout",
    "/x/%252e%252e/checkout",
    "/a%5Cb%2F..%2Fcheckout",
    "/x%2F%3Ba%2F..%2Fcheckout",
    "/a\\b/../checkout",
    "/x//../checkout",
    "/public/%252e%252e/checkout",
    "/public/..;/checkout",
    "/public%2f..%2f..%2fcheckout",
    "/%2563heckout",
    "/;x%2fy/checkout",
];

/// An endless sequence of generated paths. HTTP/1 permits ASCII only.
fn paths(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = generate::SplitMix64::new(seed);
    let paths = std::iter::repeat_with(move || generate::path(&mut random).concat());
    paths.filter(|path| path.is_ascii() && !path.iter().any(|byte| b" \r\n".contains(byte)))
}

/// An Envoy with one listener for each setting. It sends requests for the hosts `uri.*` and `raw.*` to nginx, with and
/// without a URI in `proxy_pass`, and all others to the application.
async fn envoy(app: &TargetApp, nginx: &Nginx, policy: &Value) -> Envoy {
    let clusters = [("uri", nginx.with_uri()), ("raw", nginx.without_uri())];
    let mut builder = Envoy::builder(app.address());
    for (name, _) in SETTINGS {
        builder = builder.listener(name, policy);
    }
    builder.workers(1).bootstrap(move |bootstrap| change(bootstrap, &clusters)).start().await
}

fn change(bootstrap: &mut Value, clusters: &[(&str, std::path::PathBuf)]) {
    for (name, socket) in clusters {
        let mut cluster = bootstrap::cluster(name, "127.0.0.1:1".parse().unwrap(), false);
        let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"] = json!({ "pipe": { "path": socket } });
        bootstrap["static_resources"]["clusters"].as_array_mut().unwrap().push(cluster);
    }
    for listener in bootstrap["static_resources"]["listeners"].as_array_mut().unwrap() {
        let name = listener["name"].as_str().unwrap().to_owned();
        let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
        manager["normalize_path"] = (name == "base" || name == "shipped").into();
        if name == "shipped" {
            manager["merge_slashes"] = true.into();
            manager["path_with_escaped_slashes_action"] = "UNESCAPE_AND_REDIRECT".into();
        }
        let hosts = manager["route_config"]["virtual_hosts"].as_array_mut().unwrap();
        for (name, _) in clusters {
            hosts.push(json!({
                "name": name, "domains": [format!("{name}.*")],
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": name } }],
            }));
        }
    }
}

/// A client that reuses its connection if possible.
struct KeepAliveClient {
    to: SocketAddr,
    connection: Option<Connection>,
}

impl KeepAliveClient {
    fn new(to: SocketAddr) -> KeepAliveClient {
        KeepAliveClient { to, connection: None }
    }

    /// Sends a request and returns the outcome.
    async fn ask(&mut self, method: &str, host: &str, path: &[u8]) -> ProxyAnswer {
        let request = [method.as_bytes(), b" ", path, b" HTTP/1.1\r\nhost: ", host.as_bytes(), b"\r\n\r\n"].concat();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.to).await,
        };
        connection.send(&request).await;
        let Some(response) = connection.response().await else { return ProxyAnswer::Status(0) };
        if response.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        match (response.status, response.header("location")) {
            (200, _) => ProxyAnswer::Target(response.body),
            (307, Some(location)) => ProxyAnswer::Redirect(location.as_bytes().to_vec()),
            (status, _) => ProxyAnswer::Status(status),
        }
    }

    /// Sends a request, follows redirects, and returns the outcome.
    async fn follow(&mut self, method: &str, host: &str, path: &[u8]) -> ProxyAnswer {
        let mut path = path.to_vec();
        for _ in 0..10 {
            match self.ask(method, host, &path).await {
                ProxyAnswer::Redirect(location) => path = location,
                answer => return answer,
            }
        }
        panic!("more than ten redirects")
    }
}

#[derive(Debug, PartialEq, Eq)]
enum ProxyAnswer {
    /// The target that reached the application.
    Target(Vec<u8>),
    Redirect(Vec<u8>),
    Status(u16),
}

#[tokio::test]
async fn the_models_of_envoy_and_nginx_agree_with_the_real_programs() {
    let app = TargetApp::start().await;
    let nginx = Nginx::start(app.address()).await;
    let envoy = envoy(&app, &nginx, &json!({ "sites": [] })).await;
    let probe = KeepAliveClient::new(envoy.listener("base")).ask("GET", "app", b"/a/..;/b").await;
    let cuts_dot_parameters = probe == ProxyAnswer::Target(b"/b".to_vec());
    for (name, setting) in SETTINGS {
        let model = model::EnvoyModel { setting, cuts_dot_parameters };
        let mut client = KeepAliveClient::new(envoy.listener(name));
        for path in paths(11).take(300) {
            let text = path.escape_ascii().to_string();
            let outcome = model.receive(&path);
            let expected = match &outcome {
                EnvoyAnswer::Forward(path) => ProxyAnswer::Target(path.clone()),
                EnvoyAnswer::Redirect(path) => ProxyAnswer::Redirect(path.clone()),
                EnvoyAnswer::Reject => ProxyAnswer::Status(400),
            };
            assert_eq!(client.ask("GET", "app", &path).await, expected, "{name}: {text}");
            let EnvoyAnswer::Forward(forwarded) = outcome else { continue };
            for (host, forward) in [("uri.a", nginx::forward as fn(&[u8]) -> _), ("raw.a", nginx::forward_unchanged)] {
                let expected = forward(&forwarded).map_or(ProxyAnswer::Status(400), ProxyAnswer::Target);
                assert_eq!(client.ask("GET", host, &path).await, expected, "{host} behind {name}: {text}");
            }
        }
    }
}

/// `/checkout` is closed on all hosts; `*.closed` is closed except for `/public/*` and ACME challenges.
fn closed() -> Value {
    json!({
        "sites": [
            { "name": "rest" },
            { "name": "checkout", "paths": ["/checkout"] },
            { "name": "closed", "hosts": ["uri.closed", "raw.closed", "app.closed"],
              "exempt": [{ "name": "public", "paths": ["/public/*"] }] },
        ],
        "state": { "checkout": { "mode": "offline" }, "closed": { "mode": "offline" } },
    })
}

/// True if this target may reach the application: no server interprets it as a closed path.
fn is_open(host: &str, target: &[u8]) -> bool {
    let is_open = |path: &[u8]| {
        if host.ends_with(".closed") {
            path.starts_with(b"/public/") || path.starts_with(b"/.well-known/acme-challenge/")
        } else {
            path.strip_prefix(b"/checkout").is_none_or(|rest| !rest.is_empty() && !rest.starts_with(b"/"))
        }
    };
    servers::read(target).all(|read| is_open(&decode_unreserved(&read.seen.path)))
}

#[tokio::test]
async fn no_spelling_reaches_a_closed_path_through_nginx() {
    let app = TargetApp::start().await;
    let nginx = Nginx::start(app.address()).await;
    let envoy = envoy(&app, &nginx, &closed()).await;
    let mut mistakes = Vec::new();
    for (name, setting) in SETTINGS {
        let mut client = KeepAliveClient::new(envoy.listener(name));
        let mut passed = 0;
        let model = model::EnvoyModel { setting, cuts_dot_parameters: true };
        // Paths of all kinds, and more of those that some server interprets as closed.
        let leads_astray = |path: &Vec<u8>| model.follow(path).is_some_and(|path| !is_open("app.open", &path));
        let seen = EARLIER_BYPASSES.iter().map(|path| path.as_bytes().to_vec());
        let sample = seen.chain(paths(12).take(200)).chain(paths(13).filter(leads_astray).take(300));
        for path in sample {
            for host in ["uri.open", "raw.open", "app.open", "uri.closed", "raw.closed", "app.closed"] {
                let method = if host.ends_with("closed") { "POST" } else { "GET" };
                app.take();
                let answer = client.follow(method, host, &path).await;
                assert!(matches!(answer, ProxyAnswer::Target(_) | ProxyAnswer::Status(400 | 503)), "{answer:?}");
                for target in app.take() {
                    passed += 1;
                    if !is_open(host, &target) {
                        let (path, target) = (path.escape_ascii(), target.escape_ascii());
                        mistakes.push(format!("{name}: {method} {host} {path} reaches {target}"));
                    }
                }
            }
        }
        // Most requests for open paths must pass.
        assert!(passed > 100, "{name}: only {passed} requests pass");
    }
    assert!(mistakes.is_empty(), "{} mistakes:\n{}", mistakes.len(), mistakes.join("\n"));
}
