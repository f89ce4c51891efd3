//! The commented jwt_authn filter of the shipped bootstraps, with valid and expired tokens.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{BOOTSTRAPS, changed_bootstrap, demo_policy, shipped, watch};
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, now_ms};
use crate::support::{client, eventually, maintctl};

const ISSUER: &str = "https://id.example.com";

/// A bootstrap whose comments on jwt_authn are lines, with the keys of this issuer.
fn with_jwt_authn(text: &str, issuer: &Signer, folder: &Path) -> String {
    let (before, from) = text.split_once("          # - name: jwt_authn").expect("a commented jwt_authn");
    let (commented, after) = from.split_once("          # Behind this filter").expect("the next comment");
    let keys = folder.join("jwks.json");
    fs::write(&keys, issuer.jwks().to_string()).unwrap();
    let lines = commented.replace("\n          # ", "\n          ").replace("jwks.json", keys.to_str().unwrap());
    format!("{before}          - name: jwt_authn{lines}          # Behind this filter{after}")
}

/// The policy, with a rule for tokens, in this mode.
fn policy(mode: &str) -> Value {
    let mut policy: Value = serde_saphyr::from_str(&demo_policy()).unwrap();
    policy["jwt"] = json!({ "metadata_key": "payload" });
    policy["exempt"] = json!([{ "name": "staff", "claims": [{ "iss": ISSUER, "name": "role", "value": "staff" }] }]);
    policy["state"] = json!({ "demo": { "mode": mode } });
    policy
}

fn token(issuer: &Signer, expires_in: i64) -> String {
    let now = i64::try_from(now_ms() / 1000).unwrap();
    let claims = json!({ "iss": ISSUER, "sub": "ada", "role": "staff", "exp": now + expires_in });
    issuer.sign_as("JWT", &claims)
}

/// The statuses for no token, a valid one and an expired one.
async fn statuses(envoy: &Envoy, issuer: &Signer) -> [u16; 3] {
    let mut statuses = [0; 3];
    let tokens = [None, Some(token(issuer, 3600)), Some(token(issuer, -3600))];
    for (status, token) in statuses.iter_mut().zip(tokens) {
        let mut request = client::h1().get(envoy.url("/"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        *status = request.send().await.unwrap().status().as_u16();
    }
    statuses
}

#[tokio::test]
async fn clients_with_an_expired_token_are_treated_like_those_without_one() {
    let (issuer, app) = (Signer::generate(), App::start());
    for (requirement, online, offline) in [
        ("allow_missing_or_failed", [200, 200, 200], [503, 200, 503]),
        ("allow_missing", [200, 200, 401], [503, 200, 401]),
    ] {
        let folder = TempDir::new().unwrap();
        let text = with_jwt_authn(&shipped("file.yaml"), &issuer, folder.path());
        let text = text.replace("{ allow_missing_or_failed: {} }", &format!("{{ {requirement}: {{}} }}"));
        let bootstrap = changed_bootstrap("file.yaml", &text, folder.path(), Some(&app));
        watch(folder.path(), &policy("online"));
        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        assert_eq!(statuses(&envoy, &issuer).await, online, "{requirement}");
        watch(folder.path(), &policy("offline"));
        eventually("the site is offline", async || {
            let site = envoy.site("demo").await;
            (site["mode"] == "offline" && site["workers"] == envoy.all_adopted()).then_some(())
        })
        .await;
        assert_eq!(statuses(&envoy, &issuer).await, offline, "{requirement}");
    }
}

#[tokio::test]
async fn lint_accepts_the_bootstraps_with_jwt_authn_and_reports_allow_missing() {
    let issuer = Signer::generate();
    for name in BOOTSTRAPS {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("envoy.yaml");
        let text = with_jwt_authn(&shipped(name), &issuer, folder.path());
        for (text, code, found) in [
            (text.clone(), 0, ""),
            (text.replace("allow_missing_or_failed: {}", "allow_missing: {}"), 1, "[jwt-allow-missing]"),
        ] {
            fs::write(&file, &text).unwrap();
            let output = client::run(maintctl(), &["lint".as_ref(), file.as_os_str()]).await;
            assert_eq!(output.code, code, "{name}: {output:?}");
            assert!(output.stdout.contains(found), "{name}: {output:?}");
        }
    }
}
