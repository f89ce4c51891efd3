//! `explain` with the state of a target: `--live`, and the output of `status --json`.

use serde_json::{Value, json};

use super::{control, policy, pushing, status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;

/// The verdict of `explain` with these words on a request for the shop.
async fn verdict(desk: &Desk, words: &str) -> Value {
    desk.json(&format!("explain {words} --ip 127.0.0.1 --json http://shop.example.com/")).await["verdict"].clone()
}

#[tokio::test]
async fn explain_live_uses_the_pushed_documents_of_envoys() {
    let (_app, envoy, desk, signer) = pushing().await;
    desk.write("policy.yaml", &policy(&signer).to_string());
    let live = "--live --policy policy.yaml";
    for (change, expected, status) in
        [("close shop", "offline", 503), ("open shop", "online", 200), ("close shop --read-only", "read_only", 200)]
    {
        assert_eq!(desk.run(change).await.code, 0);
        assert_eq!((verdict(&desk, live).await, status_of(&envoy).await), (json!(expected), status), "{change}");
        let exported = desk.run("status --json").await;
        desk.write("status.json", &exported.stdout);
        assert_eq!(verdict(&desk, "--policy policy.yaml --state status.json").await, expected, "{change}");
    }
    let output = desk.run("explain --live http://shop.example.com/").await;
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.stderr.contains("Envoys do not show their policy; add --policy FILE"), "{output:?}");
    std::fs::remove_file(desk.path().join("maintctl.key")).unwrap();
    let output = desk.run("explain --live --policy policy.yaml http://shop.example.com/").await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("the document of shop cannot be read; "), "{output:?}");
}

#[tokio::test]
async fn explain_live_uses_the_policy_and_the_state_of_the_watched_file() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    for (change, expected, status) in [("close shop", "offline", 503), ("open shop", "online", 200)] {
        assert_eq!(desk.run(change).await.code, 0);
        assert_eq!((verdict(&desk, "--live").await, status_of(&envoy).await), (json!(expected), status), "{change}");
    }
    // The watched file has no state of this site, and a document was pushed.
    let push = Desk::pushing(&signer, &[&envoy.endpoint()]);
    assert_eq!(push.run("close api").await.code, 0);
    let explained = desk.json("explain --live --json http://api.example.com/").await;
    assert_eq!(explained["verdict"], "offline", "{explained}");
}

#[tokio::test]
async fn explain_live_uses_declared_state() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut declared = policy(&signer);
    declared["state"] = json!({ "shop": { "mode": "offline", "reason": "Pinned" } });
    let envoy = Envoy::builder(app.address()).policy(&declared).control(&control(&signer)).start().await;
    envoy.wait_for_workers("shop").await;
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    for policy in [&declared, &policy(&signer)] {
        desk.write("policy.yaml", &policy.to_string());
        assert_eq!(verdict(&desk, "--live --policy policy.yaml").await, "offline");
    }
}
