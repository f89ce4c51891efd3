//! Values of every kind in templates, escaped.

use serde_json::json;

use super::{refusing, send};
use crate::support::app::App;

const HOSTILE: &str = "<script>alert('\"`1`\"')</script>&amp;";

fn html(value: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    value.replace('"', "&quot;").replace('\'', "&#39;")
}

#[tokio::test]
async fn a_template_shows_every_variable_escaped() {
    let app = App::start();
    let path = format!("/a{HOSTILE}b");
    let (since, until, eta) = ("2020-01-01T00:00:00Z", "2099-01-02T00:00:00Z", "2099-01-01T00:00:00Z");
    let state = json!({ "mode": "offline", "reason": HOSTILE, "since": since, "until": until, "eta": eta });
    let names = ["site", "mode", "reason", "since", "until", "eta", "retry_after", "path", "team"];
    let page: String = names
        .iter()
        .map(|name| format!("<p title=\"[{{{{{name}}}}}]\" data-value='[{{{{{name}}}}}]'>[{{{{{name}}}}}]</p>\n"))
        .collect();
    let text: String = names.iter().map(|name| format!("{name}=[{{{{{name}}}}}]\n")).collect();
    let reply = json!({ "html": format!("<!doctype html>\n{page}"), "text": text, "context": { "team": HOSTILE } });
    let envoy = refusing(&app, state, reply).start().await;

    let answer = send(&envoy, &format!("GET {path}?secret=1\naccept: text/html")).await;
    assert_eq!(answer.status, 503);
    let wait = answer.header("retry-after").unwrap().to_owned();
    let values = ["shop", "offline", HOSTILE, since, until, eta, &wait, &path, HOSTILE];
    let body = answer.text();
    let lines: Vec<_> = body.lines().skip(1).collect();
    assert_eq!(lines.len(), names.len(), "{body}");
    for ((name, value), line) in names.iter().zip(values).zip(lines) {
        let escaped = html(value);
        assert_eq!(line, format!("<p title=\"[{escaped}]\" data-value='[{escaped}]'>[{escaped}]</p>"), "{name}");
    }

    let answer = send(&envoy, &format!("GET {path}\naccept: text/plain")).await;
    let wait = answer.header("retry-after").unwrap().to_owned();
    let values = ["shop", "offline", HOSTILE, since, until, eta, &wait, &path, HOSTILE];
    let expected: String = names.iter().zip(values).map(|(name, value)| format!("{name}=[{value}]\n")).collect();
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));

    // A path is shown in its canonical form and escaped, whatever percent-encoding the client used.
    for path in ["/%3Cscript%3E\"", "/<script>%22", "/<script>\""] {
        let answer = send(&envoy, &format!("GET {path}\naccept: text/html")).await;
        let shown =
            "<p title=\"[/&lt;script&gt;&quot;]\" data-value='[/&lt;script&gt;&quot;]'>[/&lt;script&gt;&quot;]</p>";
        assert!(answer.text().contains(shown), "{path}: {}", answer.text());
        assert!(!answer.text().contains("/<script>"), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_built_in_page_shows_a_hostile_reason_as_text() {
    let app = App::start();
    let state = json!({ "mode": "offline", "reason": HOSTILE });
    let envoy = refusing(&app, state, json!({})).start().await;
    let answer = send(&envoy, "GET /\naccept: text/html").await;
    assert_eq!(answer.text().matches(&html(HOSTILE)).count(), 1);
    assert_eq!(answer.text().matches("<script").count(), 1);
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}
