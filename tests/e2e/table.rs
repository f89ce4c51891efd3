//! What anybody who comes from another maintenance mode would try first: given a state and a request, what happens.
//!
//! Every row runs twice: declared in a policy that Envoy hands over as text, and pushed to a policy that it hands over
//! as a struct.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::envoy::{Envoy, Update};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, raw};

mod rows;

use rows::{Answered, Passes, Redirected, Refused, Row, policy, rows};

/// An Envoy behind one proxy, whose word on the client's address counts.
fn behind_a_proxy(app: &App) -> crate::support::builder::Builder {
    Envoy::builder(app.address()).manager(|manager| manager["xff_num_trusted_hops"] = 1.into())
}

fn control(signer: &Signer) -> Value {
    json!({
        "sites": [], "fleet": "test", "keys": [signer.entry("oncall")], "control": { "path_prefix": "/.maintenance" },
    })
}

/// Sends a request of a row.
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

/// The lines of the access log that are of requests to sites, once there are so many.
async fn site_lines(envoy: &Envoy, count: usize) -> Vec<String> {
    eventually("the access log", async || {
        let lines: Vec<_> =
            envoy.access_log().into_iter().filter(|line| line.to_lowercase().contains("example.com")).collect();
        (lines.len() >= count).then_some(lines)
    })
    .await
}

async fn check(envoy: &Envoy, listener: SocketAddr, app: &App, row: &Row) {
    let before = site_lines(envoy, 0).await.len();
    let mut wanted = Vec::new();
    for (request, then) in row.requests {
        let name = format!("{}: {request:?}", row.behaviour);
        let hits = app.hits();
        let answer = send_to(listener, request).await;
        let (status, reaches, details, via) = match then {
            Passes(via) => (200, 1, "via_upstream", via),
            Refused("read_only") => (503, 0, "maintenance_read_only", &"read_only"),
            Refused(via) if via.starts_with("always") => (503, 0, "maintenance_always_closed", via),
            Refused(via) => (503, 0, "maintenance_offline", via),
            Answered(via) => (200, 0, "maintenance_health_check", via),
            Redirected(via) => (302, 0, "maintenance_offline", via),
        };
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(app.hits() - hits, reaches, "{name}");
        match then {
            Passes(_) => assert_eq!(answer.header("x-maintenance-mode"), None, "{name}"),
            Answered(_) => assert_eq!(answer.text(), "ok", "{name}"),
            Refused(_) | Redirected(_) => {
                let mode = if *via == "read_only" { "read_only" } else { "offline" };
                assert_eq!(answer.header("x-maintenance-mode"), Some(mode), "{name}");
                let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                let has_end = row.state.to_string().contains("2099");
                assert!(if has_end { wait > 300 } else { wait == 300 }, "{name}: {wait}");
                let location = matches!(then, Redirected(_)).then_some("https://moved.example.com/sorry?from=a");
                assert_eq!(answer.header("location"), location, "{name}");
            }
        }
        wanted.push((name, format!("{status} {details} {via} ")));
    }
    let lines = site_lines(envoy, before + wanted.len()).await;
    for ((name, wanted), line) in wanted.iter().zip(&lines[before..]) {
        assert!(line.starts_with(wanted), "{name}: wanted {wanted:?}, logged {line:?}");
    }
}

#[tokio::test]
async fn each_row_holds_when_a_policy_declares_its_state() {
    let app = App::start();
    let signer = Signer::generate();
    // A listener each, and a fleet each, as the listeners of one Envoy share what they know of a fleet.
    let mut builder = behind_a_proxy(&app);
    for (index, row) in rows().iter().enumerate() {
        let mut policy = policy(&signer);
        policy["fleet"] = format!("fleet-{index}").into();
        policy["state"] = row.state.clone();
        builder = builder.listener(&format!("row-{index}"), &policy);
    }
    let envoy = builder.start().await;
    for (index, row) in rows().iter().enumerate() {
        check(&envoy, envoy.listener(&format!("row-{index}")), &app, row).await;
    }
}

#[tokio::test]
async fn each_row_holds_when_its_state_is_pushed() {
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
        for site in ["shop", "blog", "checkout", "api", "moved"] {
            let mut pushed = document(site, "online");
            for (name, value) in row.state[site].as_object().into_iter().flatten() {
                pushed[name] = value.clone();
            }
            let (status, answer) = envoy.push(site, &signer.sign(&pushed)).await;
            assert_eq!(status, 200, "{}: {answer}", row.behaviour);
            envoy.wait_adopted(site, &pushed["revision"]).await;
        }
        check(&envoy, envoy.data(), &app, &row).await;
    }
}

#[tokio::test]
async fn the_page_has_its_reason_once_and_is_never_kept() {
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
    assert!(wait > 365 * 86400, "until the promise: {wait}");
    assert_eq!(page.header("x-robots-tag"), Some("noindex"));
    assert_eq!(page.header("vary"), Some("accept, origin"));
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn a_health_check_is_answered_while_the_application_is_down() {
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
    assert_eq!((passes.status, passes.header("x-maintenance-mode")), (503, None), "that is Envoy's own answer");
    for request in ["shop.example.com GET /healthz", "shop.example.com GET /\nuser-agent: kube-probe/1.31"] {
        let answer = send(&envoy, request).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{request}");
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{request}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{request}");
    }
    // The page is there too.
    let page = send(&envoy, "shop.example.com GET /\naccept: text/html").await;
    assert_eq!((page.status, page.header("x-maintenance-mode")), (503, Some("offline")));
}

/// RFC 3339 with milliseconds.
fn text(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap().to_string()
}

/// Watches a site from before `from` until it is open again: it must be closed in that time and open outside of it, but
/// for what a worker's tick and a busy machine may take.
async fn closes_and_opens_by_itself(name: &str, envoy: &Envoy, from: SystemTime, until: SystemTime) {
    let grace = Duration::from_secs(1);
    let mut seen = [0; 3];
    loop {
        let sent = SystemTime::now();
        let status = send(envoy, "shop.example.com GET /").await.status;
        let answered = SystemTime::now();
        let (phase, wanted) = if answered < from {
            (0, 200)
        } else if sent > from + grace && answered < until {
            (1, 503)
        } else if sent > until + grace {
            (2, 200)
        } else {
            continue;
        };
        let late = answered.duration_since(from).unwrap_or_default();
        assert_eq!(status, wanted, "{name}: {late:?} after it should close");
        seen[phase] += 1;
        if phase == 2 && seen[phase] == 20 {
            break;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{name}: each phase was looked at: {seen:?}");
}

#[tokio::test]
async fn windows_and_ends_come_by_themselves() {
    let app = App::start();
    let signer = Signer::generate();
    for name in ["a window, pushed", "a window, declared", "an end, declared"] {
        let mut policy = policy(&signer);
        let builder = behind_a_proxy(&app).policy(&policy).control(&control(&signer)).watched_file();
        let envoy = builder.start().await;
        let now = SystemTime::now();
        let (from, until) = match name {
            "an end, declared" => (now, now + Duration::from_secs(3)),
            _ => (now + Duration::from_secs(2), now + Duration::from_secs(5)),
        };
        let window = json!([{ "id": "w1", "mode": "offline", "from": text(from), "until": text(until) }]);
        if name == "a window, pushed" {
            let mut pushed = document("shop", "online");
            pushed["windows"] = window;
            assert_eq!(envoy.push("shop", &signer.sign(&pushed)).await.0, 200);
        } else {
            policy["state"] = match name {
                "a window, declared" => json!({ "shop": { "mode": "online", "windows": window } }),
                _ => json!({ "shop": { "mode": "offline", "until": text(until) } }),
            };
            assert_eq!(envoy.set_policy(&policy).await, Update::Taken, "{name}");
        }
        if name == "an end, declared" {
            assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503, "{name}");
            eventually(name, async || {
                let status = send(&envoy, "shop.example.com GET /").await.status;
                let now = SystemTime::now();
                assert!(status == 503 || now >= until, "{name}: open {:?} early", until.duration_since(now));
                assert!(status == 200 || now < until + Duration::from_secs(1), "{name}: still closed");
                (status == 200).then_some(())
            })
            .await;
        } else {
            closes_and_opens_by_itself(name, &envoy, from, until).await;
        }
    }
}

#[tokio::test]
async fn what_a_policy_declares_can_not_be_opened_by_push_only_by_taking_it_out() {
    let app = App::start();
    let signer = Signer::generate();
    let open = policy(&signer);
    let mut closed = open.clone();
    closed["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = behind_a_proxy(&app).policy(&closed).control(&control(&signer)).watched_file().start().await;
    assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503);
    let (status, answer) = envoy.push("shop", &signer.sign(&document("shop", "online"))).await;
    assert_eq!((status, &answer["code"]), (409, &json!("declared")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("policy"), "the reason: {answer}");
    for _ in 0..10 {
        assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503);
    }
    assert_eq!(envoy.set_policy(&open).await, Update::Taken);
    eventually("the site opens", async || (send(&envoy, "shop.example.com GET /").await.status == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn a_document_with_unreadable_or_reversed_times_changes_nothing() {
    let app = App::start();
    let signer = Signer::generate();
    let envoy = behind_a_proxy(&app).policy(&policy(&signer)).control(&control(&signer)).start().await;
    let closed = document("shop", "offline");
    assert_eq!(envoy.push("shop", &signer.sign(&closed)).await.0, 200);
    envoy.wait_adopted("shop", &closed["revision"]).await;
    for (member, value) in [
        ("until", json!("tomorrow")),
        ("until", json!(1795204262)),
        ("eta", json!("2026-13-01T00:00:00Z")),
        ("since", json!("2026-11-21 02:00")),
        (
            "windows",
            json!([{ "id": "w", "mode": "offline", "from": "2099-01-02T00:00:00Z", "until": "2099-01-01T00:00:00Z" }]),
        ),
        (
            "windows",
            json!([{ "id": "w", "mode": "offline", "from": "2099-01-02T00:00:00Z", "until": "2099-01-02T00:00:00Z" }]),
        ),
        ("windows", json!([{ "id": "w", "mode": "offline", "until": "2099-01-02T00:00:00Z" }])),
    ] {
        let mut bad = document("shop", "online");
        bad[member] = value.clone();
        let (status, answer) = envoy.push("shop", &signer.sign(&bad)).await;
        assert_eq!((status, &answer["code"]), (400, &json!("malformed_document")), "{member}: {value}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(member), "{member}: {value}: {answer}");
        assert_eq!(envoy.site("shop").await["revision"], closed["revision"], "{member}: {value}");
        assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503, "{member}: {value}");
    }
}
