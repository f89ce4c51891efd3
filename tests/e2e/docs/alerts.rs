//! Alert rules and tables of metrics: every name exists at `/stats/prometheus` of a real Envoy.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::markdown::words;
use super::{fences, markdown};
use crate::shipped;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::signer::{Signer, document};

fn is_metric(word: &&str) -> bool {
    let begins = word.starts_with("maintenance_") || word.starts_with("envoy_");
    begins && !["maintenance_site", "maintenance_rule", "maintenance_channel", "envoy_maintenance"].contains(word)
}

/// The metrics of an Envoy with the shipped `file.yaml` after a refusal, a bypass, a rejected push, a document with an unknown
/// field and a request without a site.
async fn metrics() -> String {
    let folder = TempDir::new().unwrap();
    let bootstrap = shipped::bootstrap("file.yaml", folder.path(), None);
    let mut policy: Value = serde_saphyr::from_str(&shipped::demo_policy()).unwrap();
    let signer = Signer::generate();
    policy["keys"][0]["jwk"] = signer.jwk();
    policy["sites"] =
        json!([{ "name": "shop", "hosts": ["shop.example.com"] }, { "name": "api", "hosts": ["api.example.com"] }]);
    policy["state"] = json!({ "shop": { "mode": "offline" } });
    shipped::watch(folder.path(), &policy);
    let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
    let get = async |host: &str, staff: &str| {
        let request = client::h1().get(envoy.url("/")).header("host", host).header("x-staff", staff);
        request.send().await.unwrap().status().as_u16()
    };
    eventually("the site is closed", async || (get("shop.example.com", "").await == 503).then_some(())).await;
    assert_eq!(get("shop.example.com", "letmein").await, 200);
    assert_eq!(get("other.example.com", "").await, 200);
    let (status, answer) = envoy.push("shop", "not.a.document").await;
    assert_eq!(status, 400, "{answer}");
    let mut newer = document("api", "online");
    newer["fleet"] = "demo".into();
    newer["field_of_a_later_version"] = true.into();
    let (status, answer) = envoy.push("api", &signer.sign(&newer)).await;
    assert_eq!(status, 200, "{answer}");
    envoy.admin(Method::GET, "/stats/prometheus").await
}

#[tokio::test]
async fn metrics_in_alerts_and_tables_exist() {
    let known = metrics().await;
    let known: BTreeSet<&str> = known.lines().flat_map(words).collect();
    let page = markdown::file("docs/operating.md");
    let mut used: Vec<(String, String)> = Vec::new();
    for fence in fences("yaml alerts") {
        let file: Value = serde_saphyr::from_str(&fence.text).unwrap();
        for rule in file["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
            for field in ["alert", "expr", "for"] {
                assert!(rule[field].is_string(), "{}: a rule without {field}: {rule}", fence.place);
            }
            assert!(rule["annotations"]["summary"].is_string(), "{}: {rule}", fence.place);
            let expression = rule["expr"].as_str().unwrap();
            let names = words(expression).filter(is_metric).map(|word| (fence.place.clone(), word.to_owned()));
            let before = used.len();
            used.extend(names);
            assert!(used.len() > before, "{}: no metric in {expression}", fence.place);
        }
    }
    let codes = page.codes();
    let tables = codes.iter().flat_map(|code| words(code)).filter(is_metric);
    used.extend(tables.map(|word| (page.name.clone(), word.to_owned())));
    for (place, name) in used {
        assert!(known.contains(name.as_str()), "{place}: no metric {name}");
    }
}
