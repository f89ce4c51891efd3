//! The files that users get: the module's exports and size, and everything in `envoy/`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::app::App;
use crate::support::envoy::replace;
use crate::support::signer::Signer;
use crate::support::{module, project};

mod bootstraps;
mod control;
mod manifests;
mod policy;
mod systemd;
mod tokens;
mod wasm_module;

/// A file of `envoy/` as text.
pub fn shipped(name: &str) -> String {
    fs::read_to_string(project().join("envoy").join(name)).unwrap()
}

/// The bootstraps below `envoy/`.
pub const BOOTSTRAPS: [&str; 2] = ["push.yaml", "file.yaml"];

/// A shipped bootstrap with free ports, the module under test, and its watched file in `folder`.
pub fn bootstrap(name: &str, folder: &Path, application: Option<&App>) -> Value {
    changed_bootstrap(name, &shipped(name), folder, application)
}

/// Like [`bootstrap`], with a changed text.
pub fn changed_bootstrap(name: &str, text: &str, folder: &Path, application: Option<&App>) -> Value {
    let module = module();
    let mut text = text
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
        // A listener and a cluster name the demo application's port, so it cannot be 0.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        parts["listeners"][2]["address"]["socket_address"]["port_value"] = free.into();
        parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
            ["port_value"] = free.into();
    }
    fs::create_dir_all(folder.join("ecds")).unwrap();
    watch(folder, &serde_saphyr::from_str(&demo_policy()).unwrap());
    bootstrap
}

/// Writes a policy to the watched file.
pub fn watch(folder: &Path, policy: &Value) {
    let mut watched: Value = serde_saphyr::from_str(&shipped("ecds.yaml")).unwrap();
    let config = &mut watched["resources"][0]["typed_config"]["config"];
    assert_eq!(config["vm_config"]["code"]["local"]["filename"], "dist/envoy_maintenance.wasm");
    config["vm_config"]["code"]["local"]["filename"] = module().to_str().unwrap().into();
    config["configuration"]["value"] = policy.clone();
    replace(&folder.join("ecds/maintenance.yaml"), &watched.to_string());
}

/// The policy of `make run`, with a new key.
pub fn demo_policy() -> String {
    let jwk = Signer::generate().jwk();
    shipped("scripts/demo.yaml").replace("KEY", &jwk.to_string())
}
