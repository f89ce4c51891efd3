//! The Istio manifests, and the script that writes the module's digest into them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::shipped;
use crate::support::{client, module, project};

#[test]
fn both_manifests_select_a_gateway_pin_the_module_and_contain_the_same_policy() {
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

#[tokio::test]
async fn pin_istio_replaces_only_the_sha256() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("istio");
    let script = project().join("envoy/scripts/pin-istio.sh");
    let pinned = client::run(&script, &[module().as_os_str(), out.as_os_str()]).await;
    assert_eq!(pinned.code, 0, "{pinned:?}");
    let digest = hmac_sha256::Hash::hash(&fs::read(module()).unwrap());
    let sum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let names = |folder: &Path| -> BTreeSet<_> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(&out), names(&project().join("envoy/istio")));
    for name in names(&out) {
        let (zeros, manifest) = ("0".repeat(64), shipped(&format!("istio/{name}")));
        assert_eq!(manifest.matches(&zeros).count(), 1, "{name}");
        assert_eq!(fs::read_to_string(out.join(&name)).unwrap(), manifest.replace(&zeros, &sum), "{name}");
    }
    let missing = client::run(script, &[folder.path().join("none"), folder.path().join("nothing")]).await;
    assert_ne!(missing.code, 0, "{missing:?}");
    assert!(!folder.path().join("nothing").exists(), "{missing:?}");
}
