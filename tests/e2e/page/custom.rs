//! An operator's own page, with the countdown, a local time and the contact of the built-in page.

use serde_json::{Value, json};

use super::browser::{chromium, open, read, speed_up_timers, text_of};
use super::{in_seconds, set};
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{eventually, shop};

const PAGE: &str = "<!doctype html><html lang=\"en\"><title>Ours</title><div id=\"maintenance-page\"><h1>Ours</h1>
<p id=\"reason\">{{reason}}</p><p id=\"eta\">{{#eta}}Back at {{eta_local}}{{/eta}}</p>
{{maintenance_countdown}}<p id=\"contact\">{{contact_link}}</p></div></html>";

/// The content security policy that the documentation asks for.
fn documented_policy() -> String {
    let documentation = include_str!("../../../docs/replies.md");
    let start = documentation.find("`script-src 'sha256-").expect("the documentation has the digest") + 1;
    documentation[start..].split('`').next().unwrap().to_owned()
}

async fn site(app: &App, signer: &Signer) -> Envoy {
    let mut policy = shop::policy(signer);
    policy["reply"] = json!({
        "html": PAGE,
        "context": { "contact": "https://status.example.com/", "contact_label": "Status" },
        "headers": { "content-security-policy": format!("default-src 'none'; {}", documented_policy()) },
    });
    Envoy::builder(app.address()).policy(&policy).control(&shop::control(signer)).start().await
}

#[tokio::test]
async fn a_custom_page_counts_down_shows_local_times_and_reloads() {
    let Some(chromium) = chromium() else { return };
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = site(&app, &signer).await;
    let eta = in_seconds(100 * 60);
    set(&envoy, &signer, "offline", json!({ "reason": "First reason", "eta": eta })).await;
    let tab = chromium.tab();
    speed_up_timers(&tab);
    open(&tab, &envoy.url("/"));
    assert!(text_of(&tab, "maintenance-status").starts_with("Expected back in about 2 hours, at "));
    assert!(text_of(&tab, "maintenance-timer").starts_with("1:"), "{}", text_of(&tab, "maintenance-timer"));
    let local = format!("new Date('{eta}').toLocaleString([], {{ dateStyle: 'medium', timeStyle: 'short' }})");
    assert_eq!(text_of(&tab, "eta"), format!("Back at {}", read(&tab, &local).as_str().unwrap()));
    assert_eq!(read(&tab, "document.querySelector('#contact a').href"), "https://status.example.com/");
    assert_eq!(text_of(&tab, "contact"), "Status");

    read(&tab, "window.here = true");
    set(&envoy, &signer, "offline", json!({ "reason": "Second reason" })).await;
    eventually("the page shows the second reason", async || (text_of(&tab, "reason") == "Second reason").then_some(()))
        .await;
    assert_eq!((read(&tab, "window.here"), text_of(&tab, "eta")), (Value::Bool(true), String::new()));

    set(&envoy, &signer, "online", json!({})).await;
    eventually("the page reloads", async || (read(&tab, "document.body.innerText") == "app").then_some(())).await;
}

#[tokio::test]
async fn a_copied_django_template_is_refused() {
    let app = App::start();
    let policy = json!({ "reply": { "html": "{% extends 'base.html' %}<p>{{reason}}</p>" } });
    let log = Envoy::builder(app.address()).policy(&policy).try_start().await.err().expect("Envoy does not start");
    let expected = "reply.html: \"{% extends 'base.html' %}\" is a tag of another template language; write {{reason}}";
    assert!(log.contains(expected), "{log}");
}
