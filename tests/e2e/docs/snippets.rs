//! Policies, manifests, and parts of Envoy bootstraps.

use std::fs;
use std::path::Path;

use envoy_maintenance::state::Document;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fences;
use crate::shipped;
use crate::support::envoy::validate;
use crate::support::{client, maintctl, module};

/// Asserts that `maintctl lint` finds neither errors nor warnings in a file.
async fn assert_lint(place: &str, file: &Path) {
    let output = client::run(maintctl(), &["lint".as_ref(), file.as_os_str()]).await;
    assert_eq!(output.code, 0, "{place}: {}{}", output.stdout, output.stderr);
}

#[tokio::test]
async fn policies_pass_lint() {
    let folder = TempDir::new().unwrap();
    for fence in fences("yaml policy") {
        let file = folder.path().join("policy.yaml");
        fs::write(&file, &fence.text).unwrap();
        assert_lint(&fence.place, &file).await;
    }
}

#[tokio::test]
async fn manifests_pass_lint() {
    let folder = TempDir::new().unwrap();
    for fence in fences("yaml istio") {
        let manifest: Value = serde_saphyr::from_str(&fence.text).unwrap();
        assert_eq!(manifest["apiVersion"], "extensions.istio.io/v1alpha1", "{}", fence.place);
        let file = folder.path().join("manifest.yaml");
        fs::write(&file, &fence.text).unwrap();
        assert_lint(&fence.place, &file).await;
    }
}

#[tokio::test]
async fn envoy_and_lint_accept_parts_of_bootstraps() {
    for (kind, is_manager) in [("yaml connection_manager", true), ("yaml bootstrap", false)] {
        for fence in fences(kind) {
            let folder = TempDir::new().unwrap();
            let mut bootstrap = shipped::bootstrap("push.yaml", folder.path(), None);
            let filters = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"];
            let manager = &mut filters[0]["typed_config"];
            let text = fence.text.replace("dist/envoy_maintenance.wasm", module().to_str().unwrap());
            let part: Value = serde_saphyr::from_str(&text).unwrap();
            let whole = if is_manager { manager } else { &mut bootstrap };
            for (name, value) in part.as_object().unwrap() {
                whole[name] = value.clone();
            }
            let file = folder.path().join("bootstrap.yaml");
            fs::write(&file, bootstrap.to_string()).unwrap();
            validate(&file).unwrap_or_else(|log| panic!("{}: {log}", fence.place));
            if is_manager {
                // The policy of the part has a fleet of its own, so lint reads its listener without the others.
                let listener = &bootstrap["static_resources"]["listeners"][0];
                fs::write(&file, json!({ "resources": [listener] }).to_string()).unwrap();
            }
            assert_lint(&fence.place, &file).await;
        }
    }
}

#[test]
fn documents_are_read() {
    for fence in fences("json document") {
        let document = Document::from_payload(fence.text.as_bytes());
        let document = document.unwrap_or_else(|error| panic!("{}: {error}", fence.place));
        assert!(document.unknown.is_empty(), "{}: {:?}", fence.place, document.unknown);
    }
}
