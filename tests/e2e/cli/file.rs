//! A target that is a file: `maintctl` writes the file that Envoy watches.

use serde_json::json;

use super::{generated, status_of, writing};
use crate::support::app::App;
use crate::support::preload;
use crate::support::signer::Signer;

mod broken;
mod channels;
mod edited;

#[tokio::test]
async fn changes_through_a_file_survive_a_restart_of_envoy() {
    let (app, signer) = (App::start(), Signer::generate());
    let (mut envoy, desk) = writing(&app, &signer).await;
    let closed = desk.run("close shop --reason Upgrade").await;
    assert_eq!(closed.code, 0, "{closed:?}");
    let hits = app.hits();
    for _ in 0..50 {
        assert_eq!(status_of(&envoy).await, 503);
    }
    assert_eq!(app.hits(), hits);
    envoy.restart().await;
    assert_eq!(status_of(&envoy).await, 503);
    let opened = desk.run("open shop").await;
    assert_eq!(opened.code, 0, "{opened:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert!(desk.run("history shop").await.stdout.contains("Upgrade"));
}

// Envoy does not notice a file that was written in place, so it still follows the newer document.
#[tokio::test]
async fn a_file_that_was_restored_in_place_proves_nothing() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    for (first, second, status) in [("close", "open", 503), ("open", "close", 200)] {
        assert_eq!(desk.run(&format!("{first} shop")).await.code, 0);
        let backup = std::fs::read(envoy.ecds_file()).unwrap();
        assert_eq!(desk.run(&format!("{second} shop")).await.code, 0);
        std::fs::write(envoy.ecds_file(), backup).unwrap();
        let repeated = desk.run(&format!("{first} shop")).await;
        assert_eq!((repeated.code, status_of(&envoy).await), (0, status), "{repeated:?}");
        assert!(!repeated.stderr.contains("another operator"), "{repeated:?}");
    }
}

#[tokio::test]
async fn a_kill_at_any_system_call_leaves_the_file_complete() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let library = preload::library(desk.path());
    let (mut kept, mut replaced) = (0, 0);
    for call in 1.. {
        let closed = desk.run(&format!("close shop --wait=false --reason {call}")).await;
        assert_eq!(closed.code, 0, "before call {call}: {closed:?}");
        let (before, states) = generated(&envoy);
        assert_eq!((&states["shop"]["mode"], &states["shop"]["reason"]), (&json!("offline"), &json!(call.to_string())));
        let mut command = desk.command("open shop --wait=false");
        let output = command.env("LD_PRELOAD", &library).env("KILL_AT_CALL", call.to_string()).output().await.unwrap();
        let (after, new) = generated(&envoy);
        assert_eq!(after, before, "call {call}");
        if output.status.success() {
            assert_eq!(new["shop"]["mode"], "online");
            break;
        }
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(9), "call {call}: {output:?}");
        if new == states {
            kept += 1;
        } else {
            assert_eq!(new["shop"]["mode"], "online", "call {call}: {new}");
            replaced += 1;
        }
    }
    assert!(kept > 5 && replaced > 1, "killed {kept} times before the file was replaced, {replaced} times after");
    let last = desk.run("close shop").await;
    assert_eq!(last.code, 0, "{last:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let beside = std::fs::read_dir(envoy.ecds_file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".maintenance.yaml.lock", "maintenance.yaml"]);
}
