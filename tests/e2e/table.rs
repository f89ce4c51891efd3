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

/// The sites of the table. `shop` has every kind of rule.
fn policy(signer: &Signer) -> Value {
    json!({
        "fleet": "test",
        "keys": [signer.entry("oncall")],
        "sites": [
            {
                "name": "shop",
                "hosts": ["shop.example.com"],
                "exempt": [
                    { "name": "office", "remote_ips": ["203.0.113.7"] },
                    { "name": "office-range", "remote_ips": ["198.51.100.0/24"] },
                    { "name": "office-six", "remote_ips": ["2001:db8:1::/48"] },
                    { "name": "staff", "headers": [{ "name": "x-staff", "value": "yes" }] },
                    { "name": "superuser", "headers": [{ "name": "x-superuser" }] },
                    { "name": "ignored", "paths": ["/ignored-page/"] },
                    { "name": "admin", "paths": ["/admin/*"] },
                    { "name": "api-key", "query": [{ "name": "api_key", "value": "good" }] },
                    { "name": "session", "cookies": [{ "name": "sessionid", "value": "s3cret" }] },
                    { "name": "reports", "paths": ["/reports"], "methods": ["POST"], "modes": ["read_only"] },
                ],
                "always_closed": [{ "name": "beta", "paths": ["/beta/*"] }],
                "health_checks": [{ "name": "balancer", "paths": ["/healthz"] }],
            },
            { "name": "blog", "hosts": ["blog.example.com", "*.blog.example.com"] },
            { "name": "checkout", "hosts": ["api.example.com"], "paths": ["/checkout"] },
            { "name": "api", "hosts": ["api.example.com"] },
            { "name": "moved", "hosts": ["moved.example.com"], "reply": { "redirect": "https://moved.example.com/sorry?from=a" } },
        ],
    })
}

/// What happens to a request. The words are the verdict, as the access log has it.
#[derive(Clone, Copy)]
enum Then {
    /// The application answers.
    Passes(&'static str),
    /// 503, and the application sees nothing.
    Refused(&'static str),
    /// 200 by the filter itself, and the application sees nothing.
    Answered(&'static str),
    /// 302, and the application sees nothing.
    Redirected(&'static str),
}
use Then::{Answered, Passes, Redirected, Refused};

/// A behaviour: the states of sites (others are online), and requests with what becomes of them. A request is its first
/// line without the version, its host in front, and headers.
struct Row {
    behaviour: &'static str,
    state: Value,
    requests: &'static [(&'static str, Then)],
}

/// The verdict where the filter has nothing to say.
const ONLINE: &str = "-";

fn rows() -> Vec<Row> {
    let row = |behaviour, state, requests| Row { behaviour, state, requests };
    let offline = || json!({ "shop": { "mode": "offline" } });
    vec![
        row(
            "online, everything reaches the application",
            json!({}),
            &[
                ("shop.example.com GET /", Passes(ONLINE)),
                ("shop.example.com POST /cart", Passes(ONLINE)),
                ("shop.example.com GET /healthz", Passes(ONLINE)),
                ("unknown.example.com GET /", Passes("no-site")),
            ],
        ),
        row(
            "offline, nothing reaches the application, whatever the method",
            offline(),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /deep/inside?a=b", Refused("offline")),
                ("shop.example.com POST /", Refused("offline")),
                ("shop.example.com DELETE /", Refused("offline")),
                ("shop.example.com OPTIONS /", Refused("offline")),
                ("shop.example.com PROPFIND /", Refused("offline")),
            ],
        ),
        row(
            "offline, the office's address passes, in IPv4 and IPv6, one or a range",
            offline(),
            &[
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7", Passes("exempt:office")),
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.8", Refused("offline")),
                ("shop.example.com GET /\nx-forwarded-for: ::ffff:203.0.113.7", Passes("exempt:office")),
                ("shop.example.com GET /\nx-forwarded-for: 198.51.100.255", Passes("exempt:office-range")),
                ("shop.example.com GET /\nx-forwarded-for: 198.51.101.0", Refused("offline")),
                ("shop.example.com GET /\nx-forwarded-for: 2001:db8:1:ffff::9", Passes("exempt:office-six")),
                ("shop.example.com GET /\nx-forwarded-for: 2001:db8:2::9", Refused("offline")),
                // The proxy in front adds what it saw; what the client wrote itself stands further left.
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7, 192.0.2.1", Refused("offline")),
                ("shop.example.com GET /", Refused("offline")),
            ],
        ),
        row(
            "offline, the staff header passes when it is right, not when it is wrong or absent",
            offline(),
            &[
                ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
                ("shop.example.com POST /\nX-Staff: yes", Passes("exempt:staff")),
                ("shop.example.com GET /\nx-staff: no", Refused("offline")),
                ("shop.example.com GET /\nx-staff: YES", Refused("offline")),
                ("shop.example.com GET /\nx-staff:", Refused("offline")),
                ("shop.example.com GET /", Refused("offline")),
            ],
        ),
        row(
            "offline with staff suspended, staff is kept out and a superuser is not",
            json!({ "shop": { "mode": "offline", "suspend": ["staff"] } }),
            &[
                ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
                ("shop.example.com GET /\nx-superuser: yes", Passes("exempt:superuser")),
                ("shop.example.com GET /\nx-staff: yes\nx-superuser: yes", Passes("exempt:superuser")),
            ],
        ),
        row(
            "offline, an exact path passes and its children do not",
            offline(),
            &[
                ("shop.example.com GET /ignored-page/", Passes("exempt:ignored")),
                ("shop.example.com GET /ignored-page/?a=b", Passes("exempt:ignored")),
                ("shop.example.com GET /ignored-page/child", Refused("offline")),
                ("shop.example.com GET /ignored-page", Refused("offline")),
            ],
        ),
        row(
            "offline, a path prefix passes and its sibling does not",
            offline(),
            &[
                ("shop.example.com GET /admin/login/", Passes("exempt:admin")),
                ("shop.example.com GET /administrator", Refused("offline")),
                ("shop.example.com GET /admin/../cart", Refused("offline")),
            ],
        ),
        row(
            "offline, a key in the query passes when it is good",
            offline(),
            &[
                ("shop.example.com GET /?api_key=good", Passes("exempt:api-key")),
                ("shop.example.com GET /?a=b&api_key=good", Passes("exempt:api-key")),
                ("shop.example.com GET /?api_key=bad", Refused("offline")),
                ("shop.example.com GET /?xapi_key=good", Refused("offline")),
            ],
        ),
        row(
            "offline, who is logged in passes by a cookie",
            offline(),
            &[
                ("shop.example.com GET /\ncookie: a=b; sessionid=s3cret", Passes("exempt:session")),
                ("shop.example.com GET /\ncookie: sessionid=other", Refused("offline")),
            ],
        ),
        row(
            "offline, certificates still renew",
            offline(),
            &[("shop.example.com GET /.well-known/acme-challenge/token", Passes("exempt:acme-challenge"))],
        ),
        row(
            "one site offline, the others are not, by host",
            offline(),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("SHOP.example.com.:8443 GET /", Refused("offline")),
                ("blog.example.com GET /", Passes(ONLINE)),
                ("unknown.example.com GET /", Passes("no-site")),
            ],
        ),
        row(
            "a site of a wildcard host closes all its hosts",
            json!({ "blog": { "mode": "offline" } }),
            &[
                ("a.b.blog.example.com GET /", Refused("offline")),
                ("blog.example.com GET /", Refused("offline")),
                ("xblog.example.com GET /", Passes("no-site")),
                ("shop.example.com GET /", Passes(ONLINE)),
            ],
        ),
        row(
            "a site by path prefix closes within its host",
            json!({ "checkout": { "mode": "offline" } }),
            &[
                ("api.example.com POST /checkout", Refused("offline")),
                ("api.example.com POST /checkout/pay", Refused("offline")),
                ("api.example.com POST /checkouts", Passes(ONLINE)),
                ("api.example.com GET /", Passes(ONLINE)),
            ],
        ),
        row(
            "a host closes without the site that has one of its paths",
            json!({ "api": { "mode": "offline" } }),
            &[
                ("api.example.com GET /", Refused("offline")),
                ("api.example.com GET /checkouts", Refused("offline")),
                ("api.example.com POST /checkout/pay", Passes(ONLINE)),
            ],
        ),
        row(
            "what is always closed is closed while the site is online, also to staff",
            json!({}),
            &[
                ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
                ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
                ("shop.example.com GET /betamax", Passes(ONLINE)),
                ("blog.example.com GET /beta/x", Passes(ONLINE)),
            ],
        ),
        row(
            "what is always closed is closed while the site is offline, also to staff",
            offline(),
            &[
                ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
                ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
                ("shop.example.com GET /betamax\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "offline, a balancer's health check is answered by the filter",
            offline(),
            &[
                ("shop.example.com GET /healthz", Answered("health-check:balancer")),
                ("shop.example.com GET /healthz/deep", Refused("offline")),
                ("shop.example.com GET /\nuser-agent: kube-probe/1.31", Answered("health-check:health-check-agents")),
                (
                    "shop.example.com GET /\nuser-agent: ELB-HealthChecker/2.0",
                    Answered("health-check:health-check-agents"),
                ),
                ("shop.example.com GET /\nuser-agent: GoogleHC/1.0", Answered("health-check:health-check-agents")),
                ("shop.example.com GET /\nuser-agent: Envoy/HC", Answered("health-check:health-check-agents")),
                ("shop.example.com GET /\nuser-agent: curl/8.0", Refused("offline")),
            ],
        ),
        row(
            "a redirect is for browsers; an API client gets the 503, and the target passes",
            json!({ "moved": { "mode": "offline" } }),
            &[
                ("moved.example.com GET /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
                ("moved.example.com HEAD /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
                ("moved.example.com POST /\naccept: text/html,*/*;q=0.8", Refused("offline")),
                ("moved.example.com GET /\naccept: application/json", Refused("offline")),
                ("moved.example.com GET /", Refused("offline")),
                ("moved.example.com GET /sorry\naccept: text/html,*/*;q=0.8", Passes("redirect-target")),
                ("moved.example.com GET /sorry?from=a\naccept: text/html", Passes("redirect-target")),
                ("moved.example.com GET /sorry/more", Refused("offline")),
            ],
        ),
        row(
            "read-only, what changes nothing passes",
            json!({ "shop": { "mode": "read_only" } }),
            &[
                ("shop.example.com GET /cart", Passes("read_only")),
                ("shop.example.com HEAD /cart", Passes("read_only")),
                ("shop.example.com OPTIONS /cart", Passes("read_only")),
                ("shop.example.com POST /cart", Refused("read_only")),
                ("shop.example.com PUT /cart", Refused("read_only")),
                ("shop.example.com PROPFIND /cart", Refused("read_only")),
                ("shop.example.com POST /reports", Passes("exempt:reports")),
                ("shop.example.com POST /cart\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "offline, a rule for read-only does not hold",
            offline(),
            &[("shop.example.com POST /reports", Refused("offline"))],
        ),
        row(
            "a window that is to come lets everything pass",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "a window that is open closes the site",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" },
            ] } }),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "a window without an end stays until somebody opens the site",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "read_only", "from": "2020-01-01T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes("read_only")), ("shop.example.com POST /", Refused("read_only"))],
        ),
        row(
            "a window that is over lets everything pass",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "of two windows that are open the stricter decides, and each suspends for itself",
            json!({ "shop": { "mode": "read_only", "suspend": ["superuser"], "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "suspend": ["staff"] },
            ] } }),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
                ("shop.example.com GET /\nx-superuser: yes", Refused("offline")),
                ("shop.example.com GET /admin/", Passes("exempt:admin")),
            ],
        ),
        row(
            "a site whose time is over is open",
            json!({ "shop": { "mode": "offline", "until": "2020-01-01T00:00:00Z" } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "a promise that is over opens nothing",
            json!({ "shop": { "mode": "offline", "eta": "2020-01-01T00:00:00Z" } }),
            &[("shop.example.com GET /", Refused("offline"))],
        ),
    ]
}

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
