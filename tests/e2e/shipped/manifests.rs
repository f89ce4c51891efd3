//! The Istio manifests: their fields, what their comments say, and the headers that they strip.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{changed_bootstrap, shipped};
use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::signer::{Signer, document};

/// Each manifest, and the members of its plugin that have a name in the schemas of Istio 1.27 to 1.31.
const MANIFESTS: [(&str, &str); 2] =
    [("istio/wasmplugin.yaml", "WasmPlugin"), ("istio/trafficextension.yaml", "TrafficExtension")];
const SPEC: [&str; 5] = ["match", "phase", "priority", "selector", "targetRefs"];
const WASM: [&str; 11] = [
    "failStrategy",
    "imagePullPolicy",
    "imagePullSecret",
    "pluginConfig",
    "pluginName",
    "sha256",
    "type",
    "url",
    "verificationKey",
    "vmConfig",
    "wasm",
];

/// The documents of a manifest: the plugin, and the EnvoyFilter that strips headers.
fn documents(name: &str) -> [Value; 2] {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&shipped(name)).unwrap();
    documents.try_into().unwrap_or_else(|found: Vec<Value>| panic!("{name}: {} documents", found.len()))
}

/// The members of the plugin itself.
fn wasm<'m>(plugin: &'m Value, kind: &str) -> &'m Value {
    if kind == "WasmPlugin" { &plugin["spec"] } else { &plugin["spec"]["wasm"] }
}

#[test]
fn manifests_have_the_fields_of_their_schemas() {
    for (name, kind) in MANIFESTS {
        let [plugin, filter] = documents(name);
        assert_eq!((&plugin["kind"], &plugin["apiVersion"]), (&json!(kind), &json!("extensions.istio.io/v1alpha1")));
        let is_own = |member: &str| SPEC.contains(&member) || kind == "WasmPlugin" && WASM.contains(&member);
        let own = plugin["spec"].as_object().unwrap().keys();
        let unknown: Vec<_> = own.filter(|member| !is_own(member) && *member != "wasm").collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        let unknown: Vec<_> = wasm(&plugin, kind).as_object().unwrap().keys().collect();
        assert!(unknown.iter().all(|member| WASM.contains(&member.as_str()) || is_own(member)), "{name}: {unknown:?}");
        assert_eq!(
            (&filter["kind"], &filter["apiVersion"]),
            (&json!("EnvoyFilter"), &json!("networking.istio.io/v1alpha3"))
        );
        assert_eq!(filter["metadata"]["namespace"], plugin["metadata"]["namespace"], "{name}");
        assert_eq!(filter["spec"]["workloadSelector"]["labels"], plugin["spec"]["selector"]["matchLabels"], "{name}");
    }
}

#[test]
fn manifests_select_a_gateway_pin_the_image_and_contain_the_same_policy_with_keys() {
    let [reference, _] = documents("istio/wasmplugin.yaml");
    for (name, kind) in MANIFESTS {
        let [plugin, _] = documents(name);
        assert_eq!(plugin["spec"]["selector"]["matchLabels"]["istio"], "ingressgateway", "{name}");
        let wasm = wasm(&plugin, kind);
        let digits = wasm["url"].as_str().unwrap().split_once("@sha256:").expect("the digest of an image").1;
        assert!(digits.len() == 64 && wasm["url"].as_str().unwrap().starts_with("oci://"), "{name}");
        assert_eq!(wasm.get("sha256"), None, "{name}");
        assert_eq!(wasm["failStrategy"], "FAIL_RELOAD", "{name}");
        assert_eq!(wasm["pluginConfig"]["keys"][0]["may"], json!(["state"]), "{name}");
        assert_eq!(wasm["pluginConfig"], reference["spec"]["pluginConfig"], "{name}");
    }
}

#[test]
fn manifests_state_the_limits_of_istio() {
    for (name, version) in
        [("istio/wasmplugin.yaml", "Istio 1.27 or later"), ("istio/trafficextension.yaml", "Istio 1.30 or later")]
    {
        let text = shipped(name).replace("\n# ", " ");
        for statement in [
            version,
            "The digest is that of the image",
            "cannot pull the image, Istio answers every request there with 403",
            "without `sha256`, which Istio ignores for files",
            "`remote_ips` works at gateways only",
            "AuthorizationPolicies with the action CUSTOM run before the plugin, in any phase",
        ] {
            assert!(text.contains(statement), "{name}: {statement}");
        }
    }
}

/// Merges a patch as Istio does for the operation MERGE of an EnvoyFilter: members replace, lists are appended.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(patch)) => into.extend(patch.iter().cloned()),
        (into, patch) => *into = patch.clone(),
    }
}

/// The values of x-maintenance headers, in any spelling, that reach the application of an Envoy.
async fn reserved(envoy: &Envoy) -> Vec<Value> {
    let mut request = client::h1().get(envoy.url("/")).header("x-app", "echo");
    for name in [
        "x-maintenance-status",
        "X_Maintenance_Status",
        "x-maintenance_status",
        "x_maintenance-status",
        "x-maintenance-mode",
    ] {
        request = request.header(name, "forged");
    }
    let echo: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    let headers = echo["headers"].as_object().unwrap().iter();
    headers
        .filter(|(name, _)| name.replace('_', "-").starts_with("x-maintenance-"))
        .map(|(_, values)| values.clone())
        .collect()
}

/// An Envoy that lets headers through as an Istio gateway does, and whose connection manager is changed by `change`.
async fn gateway(signer: &Signer, app: &App, change: impl FnOnce(&mut Value)) -> Envoy {
    let folder = TempDir::new().unwrap();
    let example = "gYJaw-0h1bAImXaQnJYUAzd5m2Bna9E67vxP3Eqld9g";
    let text = shipped("push.yaml").replace(example, signer.jwk()["x"].as_str().unwrap());
    let mut bootstrap = changed_bootstrap("push.yaml", &text, folder.path(), Some(app));
    let manager = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    for own in ["early_header_mutation_extensions", "common_http_protocol_options"] {
        assert!(manager.as_object_mut().unwrap().remove(own).is_some(), "{own}");
    }
    change(manager);
    let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
    envoy.wait_for_workers("demo").await;
    envoy
}

/// Makes the site read-only, so that the filter sends x-maintenance-status to the application.
async fn read_only(envoy: &Envoy, signer: &Signer) {
    let mut document = document("demo", "read_only");
    document["fleet"] = "demo".into();
    assert_eq!(envoy.push("demo", &signer.sign(&document)).await.0, 200);
    eventually("every worker has adopted the document", async || {
        let site = envoy.site("demo").await;
        (site["mode"] == "read_only" && site["workers"] == envoy.all_adopted()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn manifests_strip_the_headers_of_clients_and_keep_those_of_the_filter() {
    let (signer, app) = (Signer::generate(), App::start());
    for (name, _) in MANIFESTS {
        let [_, filter] = documents(name);
        let patches = filter["spec"]["configPatches"].as_array().unwrap();
        let [patch] = patches.as_slice() else { panic!("{name}: {patches:?}") };
        assert_eq!((&patch["applyTo"], &patch["patch"]["operation"]), (&json!("NETWORK_FILTER"), &json!("MERGE")));
        let changes = &patch["patch"]["value"]["typed_config"];
        let envoy = gateway(&signer, &app, |manager| merge(manager, changes)).await;
        assert_eq!(reserved(&envoy).await, [json!(null); 0], "{name}");
        read_only(&envoy, &signer).await;
        assert_eq!(reserved(&envoy).await, [json!(["read_only; via=read_only"])], "{name}");
    }
}

#[tokio::test]
async fn headers_that_routes_remove_are_removed_behind_the_filter() {
    let (signer, app) = (Signer::generate(), App::start());
    // A VirtualService with `headers.request.remove` sets this field of its routes.
    let envoy = gateway(&signer, &app, |manager| {
        let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
        route["request_headers_to_remove"] = json!(["x-maintenance-status"]);
    })
    .await;
    read_only(&envoy, &signer).await;
    let seen = reserved(&envoy).await;
    assert!(!seen.contains(&json!(["read_only; via=read_only"])), "{seen:?}");
}
