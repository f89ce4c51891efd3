//! `maintctl explain` predicts the response of a real Envoy: status, headers and body.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::envoy::Envoy;
use crate::support::{client, maintctl, raw};

mod pushed;

/// A request: method, host, target, headers.
type ExplainedRequest = (&'static str, &'static str, &'static str, &'static [&'static str]);

const HTML: &str = "accept: text/html,application/xhtml+xml,*/*;q=0.8";

const ROWS: &[ExplainedRequest] = &[
    // Hosts.
    ("GET", "shop.example.com", "/", &[]),
    ("GET", "SHOP.example.com:8080", "/", &[]),
    ("GET", "shop.example.com.", "/", &[]),
    ("GET", "a.shop.example.com", "/", &[]),
    ("GET", "api.example.com", "/", &[]),
    ("GET", "api.example.com", "/checkout", &[]),
    ("GET", "api.example.com", "/checkout/x?y=z", &[]),
    ("GET", "api.example.com", "/checkouts", &[]),
    ("GET", "docs.example.com", "/", &[]),
    ("GET", "news.example.com", "/", &[HTML]),
    ("GET", "other.example.com", "/", &[]),
    ("GET", "[::1]:80", "/", &[]),
    ("GET", "a_b.example.com,c", "/", &[]),
    // Paths that can be read in several ways.
    ("GET", "api.example.com", "/checkout/../x", &[]),
    ("GET", "api.example.com", "/x/%2e%2e/checkout", &[]),
    ("GET", "api.example.com", "//checkout", &[]),
    ("GET", "api.example.com", "/x/..%2fcheckout", &[]),
    ("GET", "api.example.com", "/checkout;a=b", &[]),
    ("GET", "api.example.com", "/%63heckout", &[]),
    ("GET", "shop.example.com", "/open/../x", &[]),
    ("GET", "shop.example.com", "/open//x", &[]),
    ("GET", "shop.example.com", "/open/%zz", &[]),
    ("GET", "shop.example.com", "/open\\x", &[]),
    ("GET", "shop.example.com", "/open/x", &[]),
    ("GET", "shop.example.com", "/%6fpen/x", &[]),
    ("GET", "docs.example.com", "/internal/x", &[]),
    ("GET", "docs.example.com", "/x/../internal/x", &[]),
    ("GET", "docs.example.com", "/x/%2e%2e%2finternal/x", &[]),
    // Built in.
    ("GET", "shop.example.com", "/.well-known/acme-challenge/token", &[]),
    ("GET", "shop.example.com", "/", &["user-agent: kube-probe/1.30"]),
    ("HEAD", "shop.example.com", "/", &["user-agent: kube-probe/1.30"]),
    ("GET", "shop.example.com", "/", &["user-agent: kube-probe/1.30", "content-type: application/grpc"]),
    // Headers, query, cookies.
    ("GET", "shop.example.com", "/", &["x-staff: letmein"]),
    ("GET", "shop.example.com", "/", &["X-Staff: letmein"]),
    ("GET", "shop.example.com", "/", &["x-staff: no", "x-staff: letmein"]),
    ("GET", "shop.example.com", "/", &["x-staff: letmein,no"]),
    ("GET", "shop.example.com", "/?key=a%20b", &[]),
    ("GET", "shop.example.com", "/?key=c", &[]),
    ("GET", "shop.example.com", "/", &["cookie: a=1; beta=yes"]),
    ("GET", "shop.example.com", "/", &["cookie: a=1", "cookie: beta=yes"]),
    ("GET", "shop.example.com", "/", &["user-agent: robot", "user-agent: other"]),
    // Methods.
    ("POST", "shop.example.com", "/", &["content-length: 0"]),
    ("GET", "docs.example.com", "/", &[]),
    ("HEAD", "docs.example.com", "/", &[]),
    ("OPTIONS", "docs.example.com", "/", &[]),
    ("DELETE", "docs.example.com", "/", &[]),
    ("POST", "docs.example.com", "/form", &[HTML, "content-length: 0"]),
    ("HEAD", "shop.example.com", "/", &[]),
    // Accepted formats.
    ("GET", "shop.example.com", "/", &[HTML]),
    ("HEAD", "shop.example.com", "/", &[HTML]),
    ("GET", "shop.example.com", "/a?b=<c>", &[HTML]),
    ("GET", "shop.example.com", "/", &["accept: text/plain"]),
    ("GET", "shop.example.com", "/", &["accept: text/html;q=0", "accept: text/plain"]),
    ("GET", "shop.example.com", "/", &["accept: image/webp,image/*"]),
    ("GET", "shop.example.com", "/", &["accept: */*", "sec-fetch-dest: script"]),
    ("GET", "shop.example.com", "/", &["accept: application/json"]),
    ("GET", "shop.example.com", "/api/x", &[HTML]),
    ("POST", "shop.example.com", "/", &[HTML, "content-type: application/json", "content-length: 0"]),
    ("POST", "news.example.com", "/", &[HTML, "content-length: 0"]),
    ("GET", "news.example.com", "/", &["accept: application/json"]),
    ("GET", "status.example.com", "/", &[]),
    // Other protocols.
    ("POST", "shop.example.com", "/s.S/M", &["content-type: application/grpc", "content-length: 0"]),
    ("POST", "shop.example.com", "/s.S/M", &["content-type: application/grpc+proto", "content-length: 0"]),
    ("POST", "shop.example.com", "/s.S/M", &["content-type: application/grpc;x=y", "content-length: 0"]),
    ("POST", "shop.example.com", "/s.S/M", &["content-type: application/grpc-web", "content-length: 0"]),
    ("POST", "shop.example.com", "/s.S/M", &["content-type: application/grpc-web-text", "content-length: 0"]),
    ("POST", "shop.example.com", "/s.S/M", &["connect-protocol-version: 1", "content-length: 0"]),
    // CORS.
    ("GET", "shop.example.com", "/", &["origin: https://shop.example.com"]),
    ("GET", "shop.example.com", "/", &["origin: https://evil.example.com"]),
    (
        "OPTIONS",
        "shop.example.com",
        "/",
        &[
            "origin: https://shop.example.com",
            "access-control-request-method: PUT",
            "access-control-request-headers: x-a",
        ],
    ),
    ("OPTIONS", "shop.example.com", "/", &["origin: https://evil.example.com", "access-control-request-method: PUT"]),
];

fn policy() -> Value {
    json!({
        "fleet": "test",
        "sites": [
            { "name": "shop", "hosts": ["shop.example.com", "*.shop.example.com", "[::1]"] },
            { "name": "checkout", "hosts": ["api.example.com"], "paths": ["/checkout"] },
            { "name": "docs", "hosts": ["docs.example.com"] },
            { "name": "news", "hosts": ["news.example.com", "status.example.com"],
              "reply": { "redirect": "https://status.example.com/", "retry_after": null } },
        ],
        "exempt": [
            { "name": "office", "remote_ips": ["203.0.113.0/24"] },
            { "name": "mesh", "uri_sans": ["spiffe://cluster.local/*"] },
            { "name": "open", "paths": ["/open/*"] },
            { "name": "staff", "headers": [{ "name": "x-staff", "value": { "sha256":
                "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032" } }] },
            { "name": "query", "query": [{ "name": "key", "value": "a b" }] },
            { "name": "beta", "cookies": [{ "name": "beta", "value": "yes" }] },
            { "name": "robot", "headers": [{ "name": "user-agent", "value": "robot" }] },
        ],
        "always_closed": [{ "name": "internal", "paths": ["/internal/*"] }],
        "reply": {
            "formats": [{ "paths": ["/api/*"], "format": "json" }],
            "headers": { "x-served-by": "edge" },
            "clear_cookies": ["sessionid", "__Host-id"],
            "json": { "support": "https://status.example.com/" },
        },
        "state": {
            "shop": { "mode": "offline", "reason": "50 % <done> & \"more\" é", "until": "2096-11-21T03:00:00Z" },
            "checkout": { "mode": "offline", "eta": "2096-11-21T03:00:00Z", "suspend": ["robot"] },
            "docs": { "mode": "read_only" },
            "news": { "mode": "offline" },
        },
    })
}

/// A response as a client sees it, without the headers that Envoy adds to every response.
#[derive(Debug, PartialEq)]
struct ClientView {
    status: u64,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
}

impl ClientView {
    fn new(status: u64, headers: impl IntoIterator<Item = (String, String)>, body: String) -> ClientView {
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            if !["server", "date", "content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
                by_name.entry(name).or_default().push(value);
            }
        }
        ClientView { status, headers: by_name, body }
    }

    /// Replaces the seconds until reopening, which differ by the time between two readings of the clock.
    fn without_seconds(mut self) -> (ClientView, Option<i64>) {
        let seconds = self.headers.remove("retry-after").and_then(|values| values[0].parse::<i64>().ok());
        self.headers.remove("grpc-retry-pushback-ms");
        if let Some(seconds) = seconds {
            for difference in -1..=1 {
                self.body = self.body.replace(&(seconds + difference).to_string(), "SECONDS");
            }
        }
        (self, seconds)
    }
}

async fn through_envoy(envoy: &Envoy, (method, host, target, headers): ExplainedRequest) -> ClientView {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nx-app: echo\r\n");
    headers.iter().for_each(|header| request.push_str(&format!("{header}\r\n")));
    request.push_str("\r\n");
    let mut connection = raw::Connection::open(envoy.data()).await;
    connection.send(request.as_bytes()).await;
    let response = match method {
        "HEAD" => connection.response_to_head().await,
        _ => connection.response().await,
    };
    let response = response.unwrap_or_else(|| panic!("no response: {request}"));
    let text = response.text();
    let headers = response.headers.into_iter().map(|(name, value)| (name, String::from_utf8(value).unwrap()));
    ClientView::new(response.status.into(), headers, text)
}

/// The explanation of a request from this address; `files` are the arguments for the policy and the states.
async fn explained(files: &[&str], ip: &str, (method, host, target, headers): ExplainedRequest) -> Value {
    let url = format!("http://{host}{target}");
    let mut words = vec!["explain", "--json", "--ip", ip, "-X", method, "-H", "x-app: echo"];
    words.extend(files);
    headers.iter().for_each(|header| words.extend(["-H", *header]));
    words.push(&url);
    let output = client::run(maintctl(), &words).await;
    assert_eq!(output.code, 0, "{words:?}: {}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

/// Asserts that `explain` predicts the response of Envoy, and returns the verdict.
async fn assert_agreement(envoy: &Envoy, files: &[&str], ip: &str, row: ExplainedRequest) -> String {
    let explanation = explained(files, ip, row).await;
    let seen = through_envoy(envoy, row).await;
    let verdict = explanation["verdict"].as_str().unwrap().to_owned();
    if explanation["action"] == "pass" {
        assert_eq!(seen.status, 200, "{row:?}: {explanation} but {seen:?}");
        if row.0 != "HEAD" {
            let echo: Value = serde_json::from_str(&seen.body).unwrap_or_else(|_| panic!("{row:?}: {seen:?}"));
            let status = explanation["upstream_headers"].as_array().unwrap();
            let status = status.first().map_or(Value::Null, |header| json!([header[1]]));
            assert_eq!(echo["headers"]["x-maintenance-status"], status, "{row:?}");
        }
        return verdict;
    }
    let reply = &explanation["reply"];
    let headers = reply["headers"].as_array().unwrap_or_else(|| panic!("{row:?}: {explanation}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = headers.iter().map(|header| (text(&header[0]), text(&header[1])));
    let predicted = ClientView::new(reply["status"].as_u64().unwrap(), headers, text(&reply["body"]));
    let ((predicted, predicted_seconds), (seen, seen_seconds)) = (predicted.without_seconds(), seen.without_seconds());
    assert_eq!(predicted, seen, "{row:?}");
    let apart = predicted_seconds.zip(seen_seconds).map_or(0, |(predicted, seen)| (predicted - seen).abs());
    assert_eq!((predicted_seconds.is_some(), apart <= 1), (seen_seconds.is_some(), true), "{row:?}");
    verdict
}

#[tokio::test]
async fn explain_predicts_the_response_of_envoy() {
    let app = App::start();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.json");
    fs::write(&file, policy().to_string()).unwrap();
    let envoy = Envoy::builder(app.address()).policy(&policy()).form(Form::Struct).start().await;
    let mut verdicts = std::collections::BTreeSet::new();
    for row in ROWS {
        verdicts.insert(assert_agreement(&envoy, &["--policy", file.to_str().unwrap()], "127.0.0.1", *row).await);
    }
    // The table covers all of these verdicts.
    let expected = [
        "always_closed:internal",
        "exempt:acme-challenge",
        "exempt:beta",
        "exempt:open",
        "exempt:query",
        "exempt:staff",
        "health-check:health-check-agents",
        "no-site",
        "offline",
        "read_only",
        "redirect-target",
    ];
    assert_eq!(verdicts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
