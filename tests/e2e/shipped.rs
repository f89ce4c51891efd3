//! What is shipped: the module's exports, and what lies in `envoy/`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::{Envoy, replace, validate};
use crate::support::{maintctl, module, project, raw, wasm};

#[test]
fn the_module_exports_what_it_uses_and_nothing_else() {
    let mut expected = [
        "memory",
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_memory_allocate",
        "proxy_on_vm_start",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_request_headers",
        "proxy_on_tick",
        "proxy_on_delete",
    ];
    expected.sort_unstable();
    assert_eq!(wasm::exports(&fs::read(module()).unwrap()), expected);
}

#[test]
fn the_module_is_at_most_600_kib() {
    let size = fs::metadata(module()).unwrap().len();
    assert!(size <= 600 * 1024, "{size} bytes");
}

/// A file of `envoy/` as text.
fn shipped(name: &str) -> String {
    fs::read_to_string(project().join("envoy").join(name)).unwrap()
}

/// A bootstrap with free ports, the module under test, and its watched file in `folder`; all else as it is shipped.
fn bootstrap(name: &str, folder: &Path, application: Option<&App>) -> Value {
    let module = module();
    let mut text = shipped(name)
        .replace("dist/envoy_maintenance.wasm", module.to_str().unwrap())
        .replace(".run/ecds", folder.join("ecds").to_str().unwrap());
    for port in [10000, 10001, 9901] {
        let fixed = format!("port_value: {port} ");
        assert!(text.contains(&fixed), "{name} has no port {port}");
        text = text.replace(&fixed, "port_value: 0 ");
    }
    let mut bootstrap: Value = serde_saphyr::from_str(&text).unwrap();
    let parts = &mut bootstrap["static_resources"];
    if let Some(app) = application {
        parts["listeners"].as_array_mut().unwrap().retain(|listener| listener["name"] != "application");
        let endpoint = &mut parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"]["socket_address"]["port_value"] = app.address().port().into();
    } else {
        // The demo application's port stands in a listener and in a cluster, so it cannot be 0.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        parts["listeners"][2]["address"]["socket_address"]["port_value"] = free.into();
        parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
            ["port_value"] = free.into();
    }
    let indented: Vec<_> = demo_policy().lines().map(|line| format!("          {line}")).collect();
    let watched = shipped("ecds.yaml").replace("dist/envoy_maintenance.wasm", module.to_str().unwrap());
    fs::create_dir_all(folder.join("ecds")).unwrap();
    replace(&folder.join("ecds/maintenance.yaml"), &format!("{watched}{}\n", indented.join("\n")));
    bootstrap
}

fn demo_policy() -> String {
    let jwk = crate::support::signer::Signer::generate().jwk();
    shipped("demo.yaml").replace("KEY", &jwk.to_string())
}

#[tokio::test]
async fn bootstraps_validate_start_and_serve() {
    for name in ["push.yaml", "file.yaml"] {
        let folder = TempDir::new().unwrap();
        let bootstrap = bootstrap(name, folder.path(), None);
        let file = folder.path().join("bootstrap.json");
        fs::write(&file, bootstrap.to_string()).unwrap();
        validate(&file).unwrap_or_else(|log| panic!("{name}: {log}"));

        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        let answer = client::h1().get(format!("http://127.0.0.1:{}/", envoy.data().port())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(answer.text().await.unwrap().contains("The demo application"), "{name}");
        let (status, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
        assert_eq!(status, 200, "{name}: {answer}");
        assert_eq!(answer["sites"][0]["site"], "demo", "{name}: {answer}");
        assert_eq!(envoy.control(hyper::Method::GET, "/nothing", &[]).await.0, 404, "{name}");
    }
}

#[tokio::test]
async fn a_client_cannot_say_what_only_the_filter_says() {
    let folder = TempDir::new().unwrap();
    let app = App::start();
    let envoy = Envoy::with_bootstrap(bootstrap("push.yaml", folder.path(), Some(&app)), Some("/.maintenance")).await;
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nx-app: echo\r\nX-Maintenance-Status: a\r\nx-maintenance-status: b\r\n\
                    x-maintenance-mode: c\r\nx-other: d\r\n\r\n";
    let answer = raw::exchange(format!("127.0.0.1:{}", envoy.data().port()).parse().unwrap(), request).await.unwrap();
    let echo: Value = serde_json::from_slice(&answer.body).unwrap();
    let headers = echo["headers"].as_object().unwrap();
    assert_eq!(headers["x-other"], json!(["d"]));
    assert!(!headers.keys().any(|name| name.starts_with("x-maintenance-")), "{headers:?}");
}

#[tokio::test]
async fn policies_bootstraps_and_manifests_pass_lint() {
    let folder = TempDir::new().unwrap();
    let demo = folder.path().join("demo.yaml");
    fs::write(&demo, demo_policy()).unwrap();
    let shipped = ["policy.yaml", "push.yaml", "file.yaml", "istio/wasmplugin.yaml", "istio/trafficextension.yaml"];
    for file in shipped.iter().map(|name| project().join("envoy").join(name)).chain([demo]) {
        let output = client::run(maintctl(), &["lint".as_ref(), file.as_os_str()]).await;
        assert_eq!(output.code, 0, "{}: {output:?}", file.display());
    }
}

#[test]
fn manifests_select_a_gateway_pin_the_module_and_say_the_same() {
    let manifest = |name: &str| -> Value { serde_saphyr::from_str(&shipped(name)).unwrap() };
    let (old, new) = (manifest("istio/wasmplugin.yaml"), manifest("istio/trafficextension.yaml"));
    for (manifest, kind, wasm) in [(&old, "WasmPlugin", &old["spec"]), (&new, "TrafficExtension", &new["spec"]["wasm"])]
    {
        assert_eq!(manifest["kind"], kind);
        assert_eq!(manifest["apiVersion"], "extensions.istio.io/v1alpha1");
        assert_eq!(manifest["spec"]["selector"]["matchLabels"]["istio"], "ingressgateway");
        assert_eq!(wasm["sha256"].as_str().unwrap().len(), 64, "{kind}");
        assert!(wasm["url"].as_str().unwrap().starts_with("file:///"), "{kind}");
        assert_eq!(wasm["failStrategy"], "FAIL_RELOAD", "{kind}");
        assert_eq!(wasm["pluginConfig"], old["spec"]["pluginConfig"], "{kind}");
    }
}

#[test]
fn stats_tags_match_the_names_of_stats() {
    let tags =
        |name: &str| -> Value { serde_saphyr::from_str::<Value>(&shipped(name)).unwrap()["stats_config"].clone() };
    assert_eq!(tags("push.yaml"), tags("file.yaml"));
    let tags = tags("push.yaml");
    for (stat, expected) in [
        ("wasmcustom.maintenance.site.shop.rq_refused", vec![("maintenance_site", "shop")]),
        (
            "wasmcustom.maintenance.site.shop.rq_bypassed.staff",
            vec![("maintenance_site", "shop"), ("maintenance_rule", "staff")],
        ),
        ("wasmcustom.maintenance.channel.push.rejected", vec![("maintenance_channel", "push")]),
        ("wasmcustom.maintenance.no_site_passed", vec![]),
    ] {
        let found: Vec<_> = tags["stats_tags"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|tag| {
                let regex = regex_lite::Regex::new(tag["regex"].as_str().unwrap()).unwrap();
                Some((tag["tag_name"].as_str().unwrap(), regex.captures(stat)?.get(2)?.as_str()))
            })
            .collect();
        assert_eq!(found, expected, "{stat}");
    }
}
