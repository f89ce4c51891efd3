//! `close` and `open`, their aliases, and the changes that they refuse.

use serde_json::{Value, json};

use super::{control, policy, pushing, status_of};
use crate::support::app::App;
use crate::support::client;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;

#[tokio::test]
async fn close_and_open_have_taken_effect_when_the_command_exits() {
    let (app, envoy, desk, _) = pushing().await;
    for round in 0..10 {
        let closed = desk.run("close shop --reason Upgrade").await;
        assert_eq!(closed.code, 0, "{closed:?}");
        assert!(closed.stdout.starts_with("shop: OFFLINE"), "{closed:?}");
        let hits = app.hits();
        for _ in 0..20 {
            assert_eq!(status_of(&envoy).await, 503, "round {round}");
        }
        assert_eq!(app.hits(), hits);
        let opened = desk.run("open shop").await;
        assert_eq!((opened.code, opened.stdout.trim_end()), (0, "shop: ONLINE"), "{opened:?}");
        assert_eq!(status_of(&envoy).await, 200, "round {round}");
    }
}

#[tokio::test]
async fn a_second_close_reports_already_and_applies_its_flags() {
    let (_app, _envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop --reason First --until 2099-01-01T03:00:00Z").await.code, 0);
    let again = desk.run("close shop").await;
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.contains("already OFFLINE"), "{again:?}");
    let moved = desk.run("close shop --until 2099-01-01T03:30:00Z").await;
    assert_eq!(moved.code, 0);
    assert!(
        moved.stdout.contains("03:30") && moved.stdout.contains("(was ") && moved.stdout.contains("03:00"),
        "{moved:?}"
    );
    let site = &desk.json("status shop --json").await["sites"][0];
    assert_eq!(site["reason"], "First", "{site}");
}

#[tokio::test]
async fn an_alias_that_changes_nothing_explains_itself() {
    let (_app, _envoy, desk, _) = pushing().await;
    for (alias, answer) in [
        ("off shop", "shop: already ONLINE ('off' ends maintenance; to close the site: maintctl close shop)"),
        (
            "deactivate shop",
            "shop: already ONLINE ('deactivate' ends maintenance; to close the site: maintctl close shop)",
        ),
    ] {
        let output = desk.run(alias).await;
        assert_eq!((output.code, output.stdout.trim_end()), (0, answer), "{output:?}");
    }
    for (alias, mode) in [
        ("on shop --force", "OFFLINE"),
        ("check shop", "OFFLINE"),
        ("off shop", "ONLINE"),
        ("activate shop", "OFFLINE"),
    ] {
        let output = desk.run(alias).await;
        assert_eq!(output.code, 0, "{output:?}");
        assert!(output.stdout.contains(mode), "{alias}: {output:?}");
    }
}

#[tokio::test]
async fn an_unknown_site_is_an_error_that_changes_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    let output = desk.run("close api shopp").await;
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("shopp") && output.stderr.contains("did you mean \"shop\"?"), "{output:?}");
    assert_eq!(envoy.site("api").await["mode"], "online");
    let skipped = desk.run("close api shopp --ignore-not-found").await;
    assert_eq!(skipped.code, 0, "{skipped:?}");
    assert!(skipped.stderr.contains("shopp"), "{skipped:?}");
    assert_eq!(envoy.site("api").await["mode"], "offline");
    let none = desk.run("close").await;
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.stderr.contains("shop") && none.stderr.contains("api"), "{none:?}");
    let all = desk.run("close --all").await;
    assert_eq!(all.code, 2, "{all:?}");
    assert!(all.stderr.contains("--yes"), "{all:?}");
    assert_eq!(desk.run("close --all --yes").await.code, 0);
    assert_eq!(envoy.site("shop").await["mode"], "offline");
}

#[tokio::test]
async fn changing_a_declared_site_is_an_error_that_names_the_policy() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut declared = policy(&signer);
    declared["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = Envoy::builder(app.address()).policy(&declared).control(&control(&signer)).watched_file().start().await;
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    let output = desk.run("open shop").await;
    assert_eq!(output.code, 4, "{output:?}");
    assert!(output.stderr.contains("policy"), "{output:?}");
    assert_eq!(status_of(&envoy).await, 503);
    envoy.set_policy(&policy(&signer)).await;
    crate::support::eventually("the site opens", async || (status_of(&envoy).await == 200).then_some(())).await;
}

#[tokio::test]
async fn suspending_an_unknown_rule_is_an_error_that_changes_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    let output = desk.run("close shop --suspend staf").await;
    assert_eq!(output.code, 1, "{output:?}");
    let error = "shop: --suspend \"staf\": unknown exempt rule; did you mean \"staff\"? (rules: acme-challenge, staff)";
    assert!(output.stderr.contains(error), "{output:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(desk.run("close shop --suspend staff --until 2099-01-01T00:00:00Z --eta 2h").await.code, 0);
    let taken_back = desk.run("close shop --suspend none --until none --eta none").await;
    assert_eq!(taken_back.code, 0, "{taken_back:?}");
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["until"], &site["eta"]), (&Value::Null, &Value::Null), "{site}");
    assert!(site["suspend"].as_array().is_none_or(Vec::is_empty), "{site}");
}

#[tokio::test]
async fn concurrent_changes_are_all_kept() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let runs = futures::future::join_all([
        desk.run("close shop --reason Upgrade"),
        desk.run("close shop --note ticket"),
        desk.run("close shop --until 2099-01-01T00:00:00Z"),
        desk.run("close shop --suspend staff"),
    ]);
    for output in runs.await {
        assert_eq!(output.code, 0, "{output:?}");
    }
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!(
        (&site["reason"], &site["note"], &site["suspend"]),
        (&json!("Upgrade"), &json!("ticket"), &json!(["staff"])),
        "{site}"
    );
    assert!(site["until"].as_str().unwrap().starts_with("2099-01-01T00:00:00"), "{site}");
    let staff = client::h1().get(envoy.url("/")).header("x-staff", "yes").send().await.unwrap();
    assert_eq!(staff.status(), 503);
}

#[tokio::test]
async fn unknown_verbs_and_flags_are_usage_errors() {
    let (_app, _envoy, desk, _) = pushing().await;
    for words in [
        "close shop --shadow",
        "close shop --settle 3s",
        "sessions shop",
        "task shop",
        "pass shop",
        "render",
        "forget e",
    ] {
        assert_eq!(desk.run(words).await.code, 2, "{words}");
    }
}
