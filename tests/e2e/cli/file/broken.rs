//! Files that cannot be used: an invalid policy of the operator, and a broken watched file.

use std::fs;

use serde_json::json;

use crate::cli::{generated, policy, status_of, writing};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::maintctl;
use crate::support::signer::Signer;

#[tokio::test]
async fn an_invalid_policy_stops_neither_status_nor_changes() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    assert_eq!(desk.run("close shop --reason Upgrade").await.code, 0);
    let mut wrong = policy(&signer);
    wrong["sites"][0]["exempt"][0]["remote_ips"] = json!(["10.0.0/8"]);
    let place = "policy policy.yaml: sites[0].exempt[0].remote_ips[0]: \"10.0.0/8\" is not an IP address or CIDR range";
    for (text, why) in [
        (wrong.to_string().as_str(), place),
        ("sites: [", "policy policy.yaml: not YAML"),
        ("", "policy policy.yaml: empty"),
    ] {
        desk.write("policy.yaml", text);
        let status = desk.run("status").await;
        assert_eq!(status.code, 0, "{status:?}");
        assert!(status.stdout.contains("Upgrade") && status.stderr.contains(why), "{status:?}");
        for words in ["diff", "apply"] {
            let output = desk.run(words).await;
            assert_eq!(output.code, 1, "{output:?}");
            assert!(output.stderr.contains(why), "{output:?}");
        }
        for (verb, code) in [("open", 200), ("close", 503)] {
            let output = desk
                .run(&format!("{verb} shop --reason Upgrade").replace("open shop --reason Upgrade", "open shop"))
                .await;
            assert_eq!(output.code, 0, "{output:?}");
            assert!(
                output.stderr.contains(why) && output.stderr.contains("keeps the policy that Envoy runs"),
                "{output:?}"
            );
            assert_eq!(status_of(&envoy).await, code, "{verb}");
        }
    }
    fs::remove_file(desk.path().join("policy.yaml")).unwrap();
    let opened = desk.run("open shop").await;
    assert_eq!((opened.code, status_of(&envoy).await), (0, 200), "{opened:?}");
    assert!(opened.stderr.contains("policy policy.yaml: No such file"), "{opened:?}");
}

#[tokio::test]
async fn a_broken_watched_file_does_not_stop_status_and_is_not_overwritten() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    assert_eq!(desk.run("close shop --reason Upgrade").await.code, 0);
    let whole = fs::read_to_string(envoy.ecds_file()).unwrap();
    for (broken, why) in [(&whole[..whole.len() / 2], "not YAML"), ("", "empty"), ("sites: []\n", "Wasm extension")] {
        // In place, so that Envoy keeps what it runs.
        fs::write(envoy.ecds_file(), broken).unwrap();
        let status = desk.run("status").await;
        assert_eq!(status.code, 3, "{status:?}");
        assert!(status.stdout.contains("OFFLINE") && status.stdout.contains("Upgrade"), "{status:?}");
        assert!(!status.stdout.contains("declared"), "the policy declares nothing: {status:?}");
        let parts = [why, "restore it from a backup"];
        assert!(parts.iter().all(|part| status.stderr.contains(part)), "{why}: {status:?}");
        for words in ["open shop", "close api", "apply"] {
            let output = desk.run(words).await;
            assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{words}: {output:?}");
            assert!(parts.iter().all(|part| output.stderr.contains(part)), "{words}: {output:?}");
        }
        assert_eq!(fs::read_to_string(envoy.ecds_file()).unwrap(), broken);
    }
    fs::remove_file(envoy.ecds_file()).unwrap();
    let status = desk.run("status").await;
    assert!(status.stdout.contains("OFFLINE") && status.stderr.contains("does not exist"), "{status:?}");
    fs::write(envoy.ecds_file(), whole).unwrap();
    assert_eq!(desk.run("open shop").await.code, 0);
    assert_eq!((status_of(&envoy).await, &generated(&envoy).1["shop"]["mode"]), (200, &json!("online")));
}

#[tokio::test]
async fn a_lost_watched_file_is_made_again_with_the_state_that_envoys_report() {
    let (app, signer) = (App::start(), Signer::generate());
    let (mut envoy, desk) = writing(&app, &signer).await;
    desk.write("policy.yaml", &fs::read_to_string(envoy.ecds_file()).unwrap());
    assert_eq!(desk.run("close shop --reason Upgrade").await.code, 0);
    fs::remove_file(envoy.ecds_file()).unwrap();
    let other = desk.run("close api").await;
    assert_eq!((other.code, other.stdout.as_str()), (0, "api: OFFLINE\n"), "{other:?}");
    assert_eq!(generated(&envoy).1["shop"]["reason"], "Upgrade");
    envoy.restart().await;
    assert_eq!(status_of(&envoy).await, 503);
}

#[tokio::test]
async fn a_file_target_that_init_made_proves_adoption() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = tokio::process::Command::new(maintctl());
    command
        .args(["init", "--fleet", crate::support::desk::FLEET, "--policy", "policy.yaml", "--file"])
        .arg(envoy.ecds_file());
    let made: Output = command.current_dir(folder.path()).env_remove("MAINTCTL_CONFIG").output().await.unwrap().into();
    assert_eq!(made.code, 0, "{made:?}");
    let text = fs::read_to_string(folder.path().join("maintctl.toml")).unwrap();
    let default = "envoys = [\"http://127.0.0.1:10001/.maintenance\"]";
    assert!(text.contains(default), "{text}");
    // Only the port is another one here.
    desk.write("maintctl.toml", &text.replace(default, &format!("envoys = [{:?}]", envoy.endpoint())));
    let closed = desk.run("close shop").await;
    assert_eq!((closed.code, closed.stdout.as_str()), (0, "shop: OFFLINE\n"), "{closed:?}");
    assert_eq!(status_of(&envoy).await, 503);
}
