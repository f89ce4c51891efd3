//! The behaviour of maintenance mode as a table: a state, requests, and the outcome of each request.
//!
//! Every row runs twice: with states that a policy in JSON text declares, and with states that are pushed to a policy
//! that is a protobuf `Struct`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::builder::EnvoyBuilder;
use crate::support::envoy::{Envoy, Update};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, raw};

mod policy;
mod rows;
mod times;

use policy::policy;
use rows::{Answered, BehaviourRow, Passes, Redirected, Refused, rows};

/// An Envoy that trusts the `x-forwarded-for` of one proxy in front of it.
fn behind_a_proxy(app: &App) -> EnvoyBuilder {
    Envoy::builder(app.address()).manager(|manager| manager["xff_num_trusted_hops"] = 1.into())
}

fn control(signer: &Signer) -> Value {
    json!({
        "sites": [], "fleet": "test", "keys": [signer.entry("oncall")], "control": { "path_prefix": "/.maintenance" },
    })
}

/// Sends a request in the form of [`BehaviourRow::requests`] to the data listener.
async fn send(envoy: &Envoy, request: &str) -> raw::Response {
    send_to(envoy.data(), request).await
}

async fn send_to(listener: SocketAddr, request: &str) -> raw::Response {
    let mut lines = request.lines();
    let mut words = lines.next().unwrap().split(' ');
    let (host, method, path) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
    let text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    let mut connection = raw::Connection::open(listener).await;
    connection.send(text.as_bytes()).await;
    let response = if method == "HEAD" { connection.response_to_head().await } else { connection.response().await };
    response.unwrap_or_else(|| panic!("no answer to {request:?}"))
}

/// Waits for `count` access log lines of requests to sites, and returns all such lines.
async fn site_lines(envoy: &Envoy, count: usize) -> Vec<String> {
    eventually("the access log has the requests", async || {
        let lines: Vec<_> =
            envoy.access_log().into_iter().filter(|line| line.to_lowercase().contains("example.com")).collect();
        (lines.len() >= count).then_some(lines)
    })
    .await
}

async fn check(envoy: &Envoy, listener: SocketAddr, app: &App, row: &BehaviourRow) {
    let before = site_lines(envoy, 0).await.len();
    let mut expected = Vec::new();
    for (request, then) in row.requests {
        let name = format!("{}: {request:?}", row.behaviour);
        let hits = app.hits();
        let response = send_to(listener, request).await;
        let (status, reaches, details, via) = match then {
            Passes(via) => (200, 1, "via_upstream", via),
            Refused("read_only") => (503, 0, "maintenance_read_only", &"read_only"),
            Refused(via) if via.starts_with("always") => (503, 0, "maintenance_always_closed", via),
            Refused(via) => (503, 0, "maintenance_offline", via),
            Answered(via) => (200, 0, "maintenance_health_check", via),
            Redirected(via) => (302, 0, "maintenance_offline", via),
        };
        assert_eq!(response.status, status, "{name}");
        assert_eq!(app.hits() - hits, reaches, "{name}");
        match then {
            Passes(_) => assert_eq!(response.header("x-maintenance-mode"), None, "{name}"),
            Answered(_) => assert_eq!(response.text(), "ok", "{name}"),
            Refused(_) | Redirected(_) => {
                let mode = if *via == "read_only" { "read_only" } else { "offline" };
                assert_eq!(response.header("x-maintenance-mode"), Some(mode), "{name}");
                let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
                let has_end = row.state.contains("2099");
                let is_expected = if has_end { wait > 300 } else { wait == 300 };
                assert!(is_expected, "{name}: retry-after: {wait}");
                let location = matches!(then, Redirected(_)).then_some("https://moved.example.com/sorry?from=a");
                assert_eq!(response.header("location"), location, "{name}");
            }
        }
        expected.push((name, format!("{status} {details} {via} ")));
    }
    let lines = site_lines(envoy, before + expected.len()).await;
    for ((name, expected), line) in expected.iter().zip(&lines[before..]) {
        assert!(line.starts_with(expected), "{name}: expected {expected:?}, logged {line:?}");
    }
}

#[tokio::test]
async fn rows_with_declared_states() {
    let app = App::start();
    let signer = Signer::generate();
    // Each row has its own listener and its own fleet: the listeners of one Envoy share the documents of a fleet.
    let mut builder = behind_a_proxy(&app);
    for (index, row) in rows().enumerate() {
        let mut policy = policy(&signer);
        policy["fleet"] = format!("fleet-{index}").into();
        policy["state"] = serde_json::from_str(row.state).unwrap();
        builder = builder.listener(&format!("row-{index}"), &policy);
    }
    let envoy = builder.start().await;
    for (index, row) in rows().enumerate() {
        check(&envoy, envoy.listener(&format!("row-{index}")), &app, row).await;
    }
}

#[tokio::test]
async fn rows_with_pushed_states() {
    let app = App::start();
    let signer = Signer::generate();
    let envoy = behind_a_proxy(&app)
        .policy(&policy(&signer))
        .control(&control(&signer))
        .form(Form::Struct)
        .workers(2)
        .start()
        .await;
    for row in rows() {
        let states: Value = serde_json::from_str(row.state).unwrap();
        for site in ["shop", "blog", "checkout", "api", "moved"] {
            let mut pushed = document(site, "online");
            for (name, value) in states[site].as_object().into_iter().flatten() {
                pushed[name] = value.clone();
            }
            let (status, answer) = envoy.push(site, &signer.sign(&pushed)).await;
            assert_eq!(status, 200, "{}: {answer}", row.behaviour);
            envoy.wait_adopted(site, &pushed["revision"]).await;
        }
        check(&envoy, envoy.data(), &app, row).await;
    }
}

#[tokio::test]
async fn the_page_shows_the_reason_once_and_is_not_cached() {
    let app = App::start();
    let state = json!({ "shop": { "mode": "offline", "reason": "Database upgrade", "eta": "2099-01-01T00:00:00Z" } });
    let mut policy = policy(&Signer::generate());
    policy["state"] = state;
    let envoy = behind_a_proxy(&app).policy(&policy).start().await;
    let page = send(&envoy, "shop.example.com GET /\naccept: text/html,*/*;q=0.8").await;
    assert_eq!(page.status, 503);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.text().matches("Database upgrade").count(), 1, "{}", page.text());
    let kept = page.header("cache-control").unwrap();
    assert!(kept.contains("no-store") && kept.contains("max-age=0"), "{kept}");
    let wait: u64 = page.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 365 * 86400, "retry-after leads to eta: {wait}");
    assert_eq!(page.header("x-robots-tag"), Some("noindex"));
    assert_eq!(page.header("vary"), Some("accept, origin"));
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn health_checks_succeed_while_the_application_is_down() {
    let app = App::start();
    let mut policy = policy(&Signer::generate());
    policy["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = behind_a_proxy(&app).policy(&policy).start().await;
    drop(app);
    let passes = eventually("the application is down", async || {
        let answer = send(&envoy, "shop.example.com GET /\nx-staff: yes").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((passes.status, passes.header("x-maintenance-mode")), (503, None), "Envoy's own response");
    for request in ["shop.example.com GET /healthz", "shop.example.com GET /\nuser-agent: kube-probe/1.31"] {
        let answer = send(&envoy, request).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{request}");
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{request}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{request}");
    }
    // The closed page is still sent.
    let page = send(&envoy, "shop.example.com GET /\naccept: text/html").await;
    assert_eq!((page.status, page.header("x-maintenance-mode")), (503, Some("offline")));
}

#[tokio::test]
async fn a_push_cannot_open_a_declared_site_but_removing_the_declaration_does() {
    let app = App::start();
    let signer = Signer::generate();
    let open = policy(&signer);
    let mut closed = open.clone();
    closed["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = behind_a_proxy(&app).policy(&closed).control(&control(&signer)).watched_file().start().await;
    assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503);
    let (status, answer) = envoy.push("shop", &signer.sign(&document("shop", "online"))).await;
    assert_eq!((status, &answer["code"]), (409, &json!("declared")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("policy"), "{answer}");
    for _ in 0..10 {
        assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503);
    }
    assert_eq!(envoy.set_policy(&open).await, Update::Taken);
    eventually("the site opens", async || (send(&envoy, "shop.example.com GET /").await.status == 200).then_some(()))
        .await;
}
