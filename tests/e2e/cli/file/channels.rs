//! Pairs of channels: the file of a target, pushed documents, and files of other targets.

use serde_json::json;

use crate::cli::reach::envoy;
use crate::cli::{control, generated, policy, status_of, writing};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::signer::Signer;

fn assert_output(output: &Output, code: i32, stdout: &str, stderr: &[&str]) {
    assert_eq!((output.code, output.stdout.as_str()), (code, stdout), "{output:?}");
    assert!(stderr.iter().all(|part| output.stderr.contains(part)), "{output:?}");
}

#[tokio::test]
async fn a_file_target_opens_a_site_that_a_pushed_document_closes() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let pushing = Desk::pushing(&signer, &[&envoy.endpoint()]);
    assert_eq!(pushing.run("close shop --reason Pushed --note Internal").await.code, 0);
    assert_eq!(status_of(&envoy).await, 503);
    // `status` shows what visitors get, although the file has no document.
    let status = desk.run("status shop").await;
    assert!(status.stdout.contains("OFFLINE") && status.stdout.contains("Pushed"), "{status:?}");
    assert_output(&desk.run("open shop").await, 0, "shop: ONLINE\n", &[]);
    assert_eq!(status_of(&envoy).await, 200);
    assert!(desk.run("history shop").await.stdout.contains("Pushed"));
    assert_output(&desk.run("open shop").await, 0, "shop: already ONLINE\n", &[]);
    // The push target is told where the site is declared now.
    assert_output(&pushing.run("close shop").await, 4, "", &["declared by the policy (`state.shop`", "file target"]);
}

#[tokio::test]
async fn a_file_target_changes_a_pushed_document_and_keeps_its_details() {
    let (app, signer) = (App::start(), Signer::generate());
    let (mut envoy, desk) = writing(&app, &signer).await;
    let pushing = Desk::pushing(&signer, &[&envoy.endpoint()]);
    let until = "2099-01-01T00:00:00Z";
    assert_eq!(pushing.run(&format!("close shop --reason Pushed --until {until}")).await.code, 0);
    // The file takes over the document, so that the site stays closed after a restart.
    let again = desk.run("close shop").await;
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.starts_with("shop: already OFFLINE, until 2099-01-01"), "{again:?}");
    assert_eq!(
        (&generated(&envoy).1["shop"]["reason"], &generated(&envoy).1["shop"]["until"]),
        (&json!("Pushed"), &json!(until))
    );
    envoy.restart().await;
    assert_eq!(status_of(&envoy).await, 503);
    let changed = desk.run("close shop --reason File").await;
    assert!(changed.stdout.contains("reason \"File\" (was \"Pushed\")"), "{changed:?}");
    assert_output(&desk.run("open shop").await, 0, "shop: ONLINE\n", &[]);
    assert_eq!(status_of(&envoy).await, 200);
}

/// An Envoy that watches a file and one that does not, which has a pushed document that closes the site. The target of the desk
/// has both.
async fn two_channels(app: &App, signer: &Signer, other: &Signer) -> (Envoy, Envoy, Desk) {
    let (watching, desk) = writing(app, signer).await;
    let pushed = envoy(app, other, "pushed").await;
    let close = Desk::pushing(other, &[&pushed.endpoint()]).run("close shop --reason Pushed").await;
    assert_eq!(close.code, 0, "{close:?}");
    let file = watching.ecds_file();
    desk.target(&format!(
        "file = {file:?}\npolicy = \"policy.yaml\"\nenvoys = {}",
        json!([watching.endpoint(), pushed.endpoint()])
    ));
    (watching, pushed, desk)
}

#[tokio::test]
async fn an_envoy_that_does_not_watch_the_file_gets_the_document_by_push() {
    let (app, signer) = (App::start(), Signer::generate());
    let (watching, pushed, desk) = two_channels(&app, &signer, &signer).await;
    assert_output(&desk.run("open shop").await, 0, "shop: ONLINE\n", &[]);
    assert_eq!((status_of(&watching).await, status_of(&pushed).await), (200, 200));
    for (verb, stdout, status) in
        [("close", "shop: OFFLINE\n", 503), ("close", "shop: already OFFLINE\n", 503), ("open", "shop: ONLINE\n", 200)]
    {
        assert_output(&desk.run(&format!("{verb} shop")).await, 0, stdout, &[]);
        assert_eq!((status_of(&watching).await, status_of(&pushed).await), (status, status), "{verb}");
    }
    // The file is online, and a pushed document closes the site on the other Envoy again.
    let by_push = Desk::pushing(&signer, &[&pushed.endpoint()]);
    assert_eq!(by_push.run("close shop").await.code, 0);
    let again = desk.run("open shop").await;
    assert_output(&again, 0, "shop: already ONLINE\n", &["repaired: pushed/"]);
    assert_eq!((status_of(&watching).await, status_of(&pushed).await), (200, 200));
}

#[tokio::test]
async fn an_envoy_that_accepts_no_push_is_named_with_the_cause_that_keeps_the_site_closed() {
    let (app, signer) = (App::start(), Signer::generate());
    let (watching, pushed, desk) = two_channels(&app, &signer, &Signer::generate()).await;
    let names = ["pushed/", "shop: OFFLINE by a pushed document", "watches another file than", "unknown_key"];
    let opened = desk.run("open shop --timeout 4s").await;
    // The key opens no details of that Envoy either, so the end of its document is unknown.
    assert_eq!(opened.code, 3, "{opened:?}");
    assert!(names.iter().all(|name| opened.stderr.contains(name)), "{opened:?}");
    assert_eq!((status_of(&watching).await, status_of(&pushed).await), (200, 503));
    // Without a key nothing can be pushed.
    let config = std::fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    desk.write("maintctl.toml", &config.replace("key = \"maintctl.key\"\n", ""));
    let keyless = desk.run("open shop --timeout 4s").await;
    assert_eq!(keyless.code, 3, "{keyless:?}");
    assert!(keyless.stderr.contains("no key") && keyless.stderr.contains("pushed/"), "{keyless:?}");
}

#[tokio::test]
async fn a_file_that_no_envoy_watches_changes_nothing_and_the_answer_says_so() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let other = Desk::new(&signer, "");
    other.write("policy.yaml", &policy(&signer).to_string());
    std::fs::copy(envoy.ecds_file(), other.path().join("ecds.yaml")).unwrap();
    other.target(&format!("file = \"ecds.yaml\"\npolicy = \"policy.yaml\"\nenvoys = [{:?}]", envoy.endpoint()));
    let wrong = other.run("close shop --timeout 2s").await;
    let cause = ["1 of 1 Envoys has not adopted the change", "watches another file than ecds.yaml"];
    assert_output(&wrong, 3, "shop: OFFLINE (adopted by 0/1 Envoys)\n", &cause);
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(other.run("open shop --timeout 2s").await.code, 3);
    assert_eq!(desk.run("close shop").await.code, 0);
    let wrong = other.run("open shop --timeout 2s").await;
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert!(wrong.stderr.contains("OFFLINE, declared by another policy (`state.shop`)"), "{wrong:?}");
    assert_eq!(status_of(&envoy).await, 503);
}

#[tokio::test]
async fn a_declared_site_of_a_push_target_is_named_with_the_place_of_its_entry() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut declared = policy(&signer);
    declared["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = Envoy::builder(app.address()).policy(&declared).control(&control(&signer)).start().await;
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    eventually("the site is closed", async || (status_of(&envoy).await == 503).then_some(())).await;
    for verb in ["open", "close"] {
        let output = desk.run(&format!("{verb} shop")).await;
        let parts = ["shop: declared by the policy (`state.shop`, in test/", "where it is OFFLINE"];
        assert_output(&output, 4, "", &parts);
    }
}
