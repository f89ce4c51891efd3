//! The budget of a request: after it is exhausted, rules that open do not match, and rules that close match.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::{eventually, raw};

/// Ten regexes that cannot be replaced by a comparison of strings.
fn regexes() -> Vec<Value> {
    let shapes =
        ["[a-z]+", "(x|y)+", "[0-9]{2,4}", "\\w+@\\w+", "v[0-9]", "(?i)bot", "[^ ]+z", "a[bc]+d", "q.u", "[A-F]+7"];
    shapes.iter().map(|shape| json!({ "regex": format!("{shape}-never") })).collect()
}

async fn status(envoy: &Envoy, target: &str, host: &str, headers: &[(&str, String)]) -> (u16, String) {
    let mut bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let answer = raw::exchange(envoy.data(), bytes.as_bytes()).await.expect("a response");
    (answer.status, answer.header("x-maintenance-mode").unwrap_or_default().to_owned())
}

#[tokio::test]
async fn exempt_rules_do_not_match_after_the_budget() {
    let app = App::start();
    let many = |value: &str| json!([{ "regex": ".*a.*a.*a.*x" }, { "regex": value }]);
    let policy = json!({
        "sites": [{ "name": "shop" }],
        "state": { "shop": { "mode": "offline" } },
        "exempt": [
            { "name": "header", "headers": [{ "name": "x-staff", "value": many("[y]es") }] },
            { "name": "cookie", "cookies": [{ "name": "staff", "value": many("[y]es") }] },
            { "name": "query", "query": [{ "name": "staff", "value": many("[y]es") }] },
        ],
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let heavy = "a".repeat(4000);
    let filled = |count: usize| {
        let values = std::iter::repeat_n(heavy.clone(), count).chain(["yes".to_owned()]);
        values.map(|value| ("x-staff", value)).collect::<Vec<_>>()
    };
    assert_eq!(status(&envoy, "/", "a", &filled(0)).await.0, 200);
    assert_eq!(status(&envoy, "/", "a", &filled(1)).await.0, 200);
    assert_eq!(status(&envoy, "/", "a", &filled(14)).await.0, 503);
    let cookies = |count: usize| vec![("cookie", format!("{}staff=yes", format!("staff={heavy}; ").repeat(count)))];
    assert_eq!(status(&envoy, "/", "a", &cookies(0)).await.0, 200);
    assert_eq!(status(&envoy, "/", "a", &cookies(14)).await.0, 503);
    let query = |count: usize| format!("/?{}staff=yes", format!("staff={heavy}&").repeat(count));
    assert_eq!(status(&envoy, &query(0), "a", &[]).await.0, 200);
    assert_eq!(status(&envoy, &query(14), "a", &[]).await.0, 503);
}

#[tokio::test]
async fn always_closed_rules_match_after_the_budget() {
    let app = App::start();
    let rule = |name: &str| json!({ "name": name, "headers": [{ "name": "x-a", "value": regexes() }] });
    let policy = json!({ "sites": [{ "name": "shop", "always_closed": [rule("shut")] }] });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (count, expected) in [(1, 200), (14, 503)] {
        let headers: Vec<_> =
            std::iter::repeat_n(("x-a", "a".repeat(if count == 1 { 300 } else { 4000 })), count).collect();
        assert_eq!(status(&envoy, "/", "a", &headers).await.0, expected, "{count} values");
    }
    let verdict = "503 maintenance_always_closed always_closed:shut";
    eventually("the verdict is in the access log", async || {
        envoy.access_log().iter().any(|line| line.starts_with(verdict)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_ordinary_request_stays_within_the_budget() {
    let app = App::start();
    let regexes = regexes();
    let closes: Vec<Value> = regexes
        .iter()
        .enumerate()
        .map(|(index, regex)| match index % 3 {
            0 => json!({ "name": format!("path-{index}"), "paths": [regex] }),
            1 => json!({ "name": format!("agent-{index}"), "headers": [{ "name": "user-agent", "value": regex }] }),
            _ => json!({ "name": format!("cookie-{index}"), "cookies": [{ "name": "session", "value": regex }] }),
        })
        .collect();
    let policy = json!({
        "sites": [{ "name": "open", "hosts": ["open"] }, { "name": "closed", "hosts": ["closed"] }],
        "state": { "closed": { "mode": "offline" } },
        "always_closed": closes,
        "exempt": [{ "name": "last", "cookies": [{ "name": "session", "value": { "regex": "[s]+" } }] }],
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let target = format!("/{}", "path/".repeat(60));
    let headers = [("user-agent", "Mozilla/5.0 ".repeat(25)), ("cookie", format!("session={}", "s".repeat(1000)))];
    assert_eq!(status(&envoy, &target, "open", &headers).await.0, 200);
    assert_eq!(status(&envoy, &target, "closed", &headers).await.0, 200);
    assert_eq!(status(&envoy, &target, "closed", &headers[..1]).await.0, 503);
}

#[tokio::test]
async fn an_ambiguous_host_is_refused_without_consulting_rules() {
    let app = App::start();
    let site = |number: usize| {
        let value = json!({ "regex": "[y]es" });
        let rule = json!({ "name": "own", "headers": [{ "name": "x-own", "value": value }] });
        json!({ "name": format!("s{number}"), "hosts": [format!("h{number}")], "exempt": [rule] })
    };
    let sites: Vec<Value> = (0..64).map(site).collect();
    let policy = json!({ "sites": sites, "state": { "s63": { "mode": "read_only" } } });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let own = [("x-own", "yes".to_owned())];
    assert_eq!(status(&envoy, "/", "user@h1", &own).await, (503, "read_only".to_owned()));
    assert_eq!(status(&envoy, "/", "h1", &[]).await.0, 200);
    assert_eq!(status(&envoy, "/", "h63", &own).await.0, 200);
}
