//! JSON that the filter answers with: the documented members are those of a real answer.

use std::collections::BTreeSet;

use envoy_maintenance::protocol::ErrorCode;
use serde_json::{Value, json};

use super::{fences, markdown};
use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::shop::{self, read_token};
use crate::support::signer::{Signer, document};

/// The names of an object's members, and of the members of the objects in these lists below it.
fn members(value: &Value) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    for list in ["sites", "plugins", "keys"] {
        for entry in value[list].as_array().into_iter().flatten().filter(|entry| entry.is_object()) {
            names.extend(members(entry).into_iter().map(|name| format!("{list}.{name}")));
        }
    }
    names
}

#[tokio::test]
async fn documented_answers_have_the_members_of_real_ones() {
    let (app, signer) = (App::start(), Signer::generate());
    let builder = Envoy::builder(app.address()).policy(&shop::policy(&signer));
    let envoy = builder.control(&shop::control(&signer)).start().await;
    let mut closed = document("shop", "offline");
    closed["reason"] = json!("Database upgrade");
    shop::push(&envoy, &signer, &closed).await;

    let token = read_token(&signer);
    let (_, full) = envoy.control(hyper::Method::GET, "/v1/status", &[("x-maintenance-document", &token)]).await;
    for fence in fences("json status") {
        let documented: Value = serde_json::from_str(&fence.text).unwrap();
        assert_eq!(members(&documented), members(&full), "{}: {full}", fence.place);
    }

    let refusal = client::h1().get(envoy.url("/")).send().await.unwrap().text().await.unwrap();
    let refusal: Value = serde_json::from_str(&refusal).unwrap();
    let mut older = closed.clone();
    older["revision"] = json!(closed["revision"].as_u64().unwrap() - 1);
    let (status, error) = envoy.push("shop", &signer.sign(&older)).await;
    assert_eq!(status, 409, "{error}");
    for fence in fences("json problem") {
        let documented: Value = serde_json::from_str(&fence.text).unwrap();
        let real = if documented.get("code").is_some() { &error } else { &refusal };
        assert_eq!(members(&documented), members(real), "{}: {real}", fence.place);
    }
}

#[test]
fn the_table_of_errors_is_complete() {
    let text = std::fs::read_to_string(markdown::file("docs/control-api.md").path).unwrap();
    for code in ErrorCode::ALL {
        let row = format!("| {} | `{}` |", code.status(), code.name());
        assert!(text.contains(&row), "docs/control-api.md has no row that begins with {row}");
    }
}
