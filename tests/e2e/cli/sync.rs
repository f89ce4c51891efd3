//! `maintctl sync`: the repair of Envoys that lack the newest documents.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::reach::envoy;
use super::{FLEET, status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{eventually, signal};

#[tokio::test]
async fn sync_brings_a_restarted_envoy_to_a_document_that_is_older_than_five_minutes() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let mut old = document("shop", "offline");
    old["fleet"] = FLEET.into();
    old["reason"] = "Upgrade".into();
    let made = now_ms() - 295_000;
    old["revision"] = made.into();
    assert_eq!(one.push("shop", &signer.sign(&old)).await.0, 200);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    eventually("the document has expired", async || (now_ms() > made + 301_000).then_some(())).await;
    let plan = desk.run("sync --dry-run").await;
    assert_eq!((plan.code, status_of(&two).await), (0, 200), "{plan:?}");
    let output = desk.run("sync").await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("shop: OFFLINE\n"), "{output:?}");
    let repaired = format!("({})", two.endpoint());
    assert!(output.stderr.contains("repaired: two/") && output.stderr.contains(&repaired), "{output:?}");
    assert!(!output.stderr.contains("one/"), "{output:?}");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["reason"], &site["envoys"]["followed"]), (&json!("Upgrade"), &json!(2)), "{site}");
    let again = desk.run("sync shop").await;
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");

    // A change repairs too, even one that changes nothing.
    two.restart().await;
    two.wait_for_workers("shop").await;
    let output = desk.run("close shop").await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("already OFFLINE"), "{output:?}");
    assert!(output.stderr.contains("repaired: two/"), "{output:?}");
    assert_eq!(status_of(&two).await, 503);

    let gone = two.endpoint();
    two.kill();
    let output = desk.run("sync --timeout 3s").await;
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.contains(&format!("{gone}: connection refused")), "{output:?}");
}

#[tokio::test]
async fn sync_never_makes_a_document_for_a_site_without_one() {
    let (app, signer) = (App::start(), Signer::generate());
    let one = envoy(&app, &signer, "one").await;
    let desk = Desk::pushing(&signer, &[&one.endpoint()]);
    let output = desk.run("sync").await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "api: ONLINE\nshop: ONLINE\n"), "{output:?}");
    for site in ["shop", "api"] {
        assert_eq!(one.site(site).await["digest"], json!(null));
    }
}

#[tokio::test]
async fn sync_watch_repairs_until_it_is_interrupted() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close shop").await.code, 0);
    let mut watch = desk.command("sync --watch");
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    two.restart().await;
    eventually("the restarted Envoy is closed again", async || (status_of(&two).await == 503).then_some(())).await;
    let repaired = loop {
        let line = lines.next_line().await.unwrap().expect("a line for the repair");
        // While the Envoy is down, its address is a problem.
        if line.contains("repaired: ") {
            break line;
        }
    };
    assert!(repaired.contains("repaired: two/"), "{repaired}");
    signal(watch.id().unwrap(), Signal::INT);
    assert_eq!(watch.wait().await.unwrap().code(), Some(130));
}

#[tokio::test]
async fn sync_of_a_file_keeps_the_policy_that_envoy_runs() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let before = std::fs::read_to_string(envoy.ecds_file()).unwrap();
    desk.write("policy.yaml", "sites: 7");
    let output = desk.run("sync").await;
    assert_eq!((output.code, output.stdout.contains("shop: OFFLINE\n")), (0, true), "{output:?}");
    assert_eq!(std::fs::read_to_string(envoy.ecds_file()).unwrap(), before);
    assert_eq!(status_of(&envoy).await, 503);
}
