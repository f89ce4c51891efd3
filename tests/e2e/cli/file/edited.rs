//! Edits of the operator's policy: what a change brings along, pins, `diff` and `apply`, and the proof of adoption.

use serde_json::{Value, json};

use crate::cli::{control, generated, policy, status_of, writing};
use crate::support::app::App;
use crate::support::client;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;

/// Writes a policy with this member.
fn edit(desk: &Desk, signer: &Signer, name: &str, value: Value) {
    let mut edited = policy(signer);
    edited[name] = value;
    desk.write("policy.yaml", &edited.to_string());
}

#[tokio::test]
async fn a_pin_takes_effect_with_the_next_change_and_close_and_open_say_why_they_refuse() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    for (verb, mode, status) in [("close", "offline", 503), ("open", "online", 200), ("open", "offline", 503)] {
        edit(&desk, &signer, "state", json!({ "shop": { "mode": mode } }));
        let label = mode.to_uppercase();
        let before = desk.run("status").await;
        assert!(before.stderr.contains(&format!("shop is declared {label}")), "{before:?}");
        let output = desk.run(&format!("{verb} shop")).await;
        assert_eq!((output.code, output.stdout.as_str()), (4, ""), "{output:?}");
        let why = format!("shop: {label}, declared by your policy (`state.shop` in policy.yaml)");
        let brought = format!("was brought up to date: shop is declared {label}");
        assert!(output.stderr.contains(&why) && output.stderr.contains(&brought), "{output:?}");
        assert_eq!(status_of(&envoy).await, status, "{verb} {mode}");
        // Again, there is nothing to bring.
        let again = desk.run(&format!("{verb} shop")).await;
        assert_eq!(again.code, 4, "{again:?}");
        assert!(again.stderr.contains(&why) && !again.stderr.contains("up to date"), "{again:?}");
    }
    // A change of another site brings a pin too, and says so.
    desk.write("policy.yaml", &policy(&signer).to_string());
    let other = desk.run("close api").await;
    assert_eq!((other.code, other.stdout.as_str()), (0, "api: OFFLINE\n"), "{other:?}");
    assert!(other.stderr.contains("shop is no longer declared, and is ONLINE (was OFFLINE)"), "{other:?}");
    assert_eq!(status_of(&envoy).await, 200);
    edit(&desk, &signer, "state", json!({ "shop": { "mode": "offline" } }));
    let other = desk.run("open api --json").await;
    let answer: Value = serde_json::from_str(&other.stdout).unwrap();
    assert_eq!((other.code, &answer["brought"]), (0, &json!(["shop is declared OFFLINE (was ONLINE)"])), "{other:?}");
    assert_eq!(status_of(&envoy).await, 503);
}

#[tokio::test]
async fn the_only_site_can_be_pinned() {
    let (app, signer) = (App::start(), Signer::generate());
    let policy = |state: Value| {
        json!({ "fleet": crate::support::desk::FLEET, "keys": [signer.entry("oncall")], "sites": [{ "name": "shop" }],
            "state": state })
    };
    let builder = Envoy::builder(app.address()).policy(&policy(json!({}))).control(&control(&signer));
    let envoy = builder.watched_file().start().await;
    let desk = Desk::new(&signer, "");
    desk.target(&format!(
        "file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]",
        envoy.ecds_file(),
        envoy.endpoint()
    ));
    desk.write("policy.yaml", &policy(json!({ "shop": { "mode": "offline" } })).to_string());
    let output = desk.run("close").await;
    assert_eq!(output.code, 4, "{output:?}");
    assert_eq!(status_of(&envoy).await, 503);
    // Without the pin, the site is online.
    desk.write("policy.yaml", &policy(json!({})).to_string());
    let output = desk.run("apply").await;
    assert!(output.stdout.contains("shop is no longer declared, and is ONLINE (was OFFLINE)"), "{output:?}");
    assert_eq!((output.code, status_of(&envoy).await), (0, 200), "{output:?}");
    // A command that closes the site anyway does not call it online.
    desk.write("policy.yaml", &policy(json!({ "shop": { "mode": "offline" } })).to_string());
    assert_eq!(desk.run("apply").await.code, 0);
    desk.write("policy.yaml", &policy(json!({})).to_string());
    let output = desk.run("close").await;
    assert_eq!((output.code, status_of(&envoy).await), (0, 503), "{output:?}");
    assert!(output.stderr.ends_with("brought along: shop is no longer declared\n"), "{output:?}");
    // A command that plans a window does not keep the site closed.
    desk.write("policy.yaml", &policy(json!({ "shop": { "mode": "offline" } })).to_string());
    assert_eq!((desk.run("apply").await.code, status_of(&envoy).await), (0, 503));
    desk.write("policy.yaml", &policy(json!({})).to_string());
    let output = desk.run("schedule --from 2099-01-01T00:00:00Z --for 1h").await;
    assert_eq!((output.code, status_of(&envoy).await), (0, 200), "{output:?}");
}

// Clients on open connections see the new policy on every worker as soon as the command has ended.
#[tokio::test]
async fn a_command_that_only_brings_an_edited_policy_waits_until_every_worker_follows_it() {
    let (app, signer) = (App::start(), Signer::generate());
    let reply = |round: usize| json!({ "headers": { "x-round": round.to_string() } });
    let mut first = policy(&signer);
    first["reply"] = reply(0);
    let builder = Envoy::builder(app.address()).policy(&first).control(&control(&signer));
    let envoy = builder.workers(4).watched_file().start().await;
    let desk = Desk::new(&signer, "");
    desk.target(&format!(
        "file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]",
        envoy.ecds_file(),
        envoy.endpoint()
    ));
    desk.write("policy.yaml", &first.to_string());
    assert_eq!(desk.run("close shop").await.code, 0);
    let clients: Vec<reqwest::Client> = (0..16).map(|_| client::h1()).collect();
    let rounds = async || {
        let requests = clients.iter().map(|client| client.get(envoy.url("/")).send());
        let answers = futures::future::join_all(requests).await;
        let round = |answer: reqwest::Response| {
            assert_eq!(answer.status(), 503);
            answer.headers()["x-round"].to_str().unwrap().to_owned()
        };
        answers.into_iter().map(|answer| round(answer.unwrap())).collect::<Vec<String>>()
    };
    for round in 1..=20 {
        edit(&desk, &signer, "reply", reply(round));
        let words = if round % 2 == 0 { "close shop" } else { "apply" };
        let output = desk.run(words).await;
        assert_eq!(output.code, 0, "{output:?}");
        assert!(
            output.stdout.contains("already OFFLINE") || output.stdout.contains("changed fields: reply"),
            "{output:?}"
        );
        assert_eq!(rounds().await, vec![round.to_string(); clients.len()], "after {words}");
    }
}

#[tokio::test]
async fn diff_shows_an_edited_policy_and_apply_brings_nothing_else() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let unchanged = desk.run("diff").await;
    assert_eq!((unchanged.code, unchanged.stdout.starts_with("no changes: ")), (0, true), "{unchanged:?}");
    let mut edited = policy(&signer);
    edited["sites"].as_array_mut().unwrap().push(json!({ "name": "blog", "hosts": ["blog.example.com"] }));
    edited["sites"][1]["paths"] = json!(["/v2"]);
    edited["state"] = json!({ "shop": { "mode": "read_only", "reason": "Stocktaking" } });
    edited["reply"] = json!({ "retry_after": "10m" });
    desk.write("policy.yaml", &edited.to_string());
    let brought = ["site blog added", "shop is declared READ_ONLY (was ONLINE)", "changed fields: reply, sites.api"];
    let diff = desk.run("diff").await;
    assert_eq!(diff.code, 0, "{diff:?}");
    let lines: Vec<&str> = diff.stdout.lines().collect();
    assert_eq!(lines[..3], brought, "{diff:?}");
    for line in ["+++ policy.yaml", "+    retry_after: 10m", "+      reason: Stocktaking"] {
        assert!(lines.contains(&line), "{line}: {diff:?}");
    }
    let json = desk.json("diff --json").await;
    assert_eq!(json["brought"], json!(brought));
    let file = generated(&envoy);
    let planned = desk.run("apply --dry-run").await;
    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(
        brought.iter().all(|text| planned.stdout.contains(text)) && planned.stdout.starts_with("dry run: "),
        "{planned:?}"
    );
    // A dry run of a change writes nothing either.
    for words in
        ["close api --dry-run", "open api --dry-run", "schedule api --from 2099-01-01T00:00:00Z --for 1h --dry-run"]
    {
        let output = desk.run(words).await;
        assert_eq!(output.code, 0, "{output:?}");
        assert!(output.stderr.contains("site blog added"), "{output:?}");
    }
    assert_eq!((generated(&envoy), status_of(&envoy).await), (file, 200));
    let applied = desk.run("apply").await;
    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(brought.iter().all(|text| applied.stdout.contains(text)), "{applied:?}");
    assert_eq!(client::h1().post(envoy.url("/")).send().await.unwrap().status(), 503);
    for words in ["diff", "apply"] {
        let output = desk.run(words).await;
        assert_eq!((output.code, output.stdout.starts_with("no changes: ")), (0, true), "{output:?}");
    }
    assert_eq!(generated(&envoy).1["shop"]["reason"], "Stocktaking");
    let pushing = Desk::pushing(&signer, &[&envoy.endpoint()]);
    for words in ["diff", "apply"] {
        let output = pushing.run(words).await;
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains(&format!("maintctl {words} needs a target with `file`")), "{output:?}");
    }
}

#[tokio::test]
async fn a_policy_that_drops_a_closed_site_is_refused_without_yes() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    // The site is closed by the file, and by a pushed document.
    let by_push = Desk::pushing(&signer, &[&envoy.endpoint()]);
    for closing in [&desk, &by_push] {
        assert_eq!(closing.run("close shop").await.code, 0);
        let mut renamed = policy(&signer);
        renamed["sites"][0]["name"] = "store".into();
        desk.write("policy.yaml", &renamed.to_string());
        let file = generated(&envoy);
        for words in [
            "open store",
            "close api",
            "apply",
            "schedule api --from 2099-01-01T00:00:00Z --for 1h",
            "cancel api --all",
        ] {
            let output = desk.run(words).await;
            assert_eq!((output.code, output.stdout.as_str()), (4, ""), "{words}: {output:?}");
            let parts = ["shop: OFFLINE, and policy.yaml no longer has this site", "--yes", "nothing changed"];
            assert!(parts.iter().all(|part| output.stderr.contains(part)), "{words}: {output:?}");
        }
        assert_eq!((generated(&envoy), status_of(&envoy).await), (file, 503));
        let confirmed = desk.run("apply --yes").await;
        assert_eq!(confirmed.code, 0, "{confirmed:?}");
        assert!(confirmed.stdout.contains("site shop removed"), "{confirmed:?}");
        assert_eq!(status_of(&envoy).await, 200);
        // The next row begins with the old name, without a document in the file.
        desk.write("policy.yaml", &policy(&signer).to_string());
        assert_eq!(desk.run("apply").await.code, 0);
    }
}
