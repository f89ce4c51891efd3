//! `maintctl` before real Envoys: what it says, how it exits, and what Envoy does then.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::preload;
use crate::support::signer::Signer;

mod hostile;
mod hot_restart;
mod init;
mod lagging;
mod mtls;
mod one_address;
mod reach;
mod running;
mod shared;
mod words;

fn policy(signer: &Signer) -> Value {
    json!({
        "fleet": FLEET,
        "keys": [signer.entry("oncall")],
        "sites": [
            { "name": "shop", "hosts": ["shop.example.com", "127.0.0.1"],
              "exempt": [{ "name": "staff", "headers": [{ "name": "x-staff", "value": "yes" }] }] },
            { "name": "api", "hosts": ["api.example.com"] },
        ],
    })
}

fn control(signer: &Signer) -> Value {
    json!({ "fleet": FLEET, "keys": [signer.entry("oncall")], "sites": [], "control": { "path_prefix": "/.maintenance" } })
}

/// An application, an Envoy before it, and a desk that pushes to it.
async fn pushing() -> (App, Envoy, Desk, Signer) {
    let (app, signer) = (App::start(), Signer::generate());
    let envoy =
        Envoy::builder(app.address()).policy(&policy(&signer)).control(&control(&signer)).workers(2).start().await;
    envoy.wait_for_workers("shop").await;
    let desk = Desk::pushing(&signer, &[&base(&envoy)]);
    (app, envoy, desk, signer)
}

fn base(envoy: &Envoy) -> String {
    envoy.control_url("").trim_end_matches('/').to_owned()
}

async fn status_of(envoy: &Envoy) -> u16 {
    client::h1().get(envoy.url("/")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn closing_and_opening_is_in_force_when_the_command_returns() {
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
async fn a_second_close_says_already_and_changes_what_its_flags_say() {
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
async fn an_alias_that_changes_nothing_says_what_it_does() {
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
async fn times_that_make_no_sense_change_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    for words in [
        "close shop --until 2001-01-01T00:00:00Z",
        "close shop --until tomorrow",
        "close shop --for 15",
        "close shop --for 9999999999h",
        "close shop --lease 9999999999h -- true",
        "close shop --eta 2001-01-01T00:00:00Z",
        "close shop --eta 15",
        "close shop --for 1h --until 03:00",
        "schedule shop --from 2099-01-01T02:00:00Z --until 2099-01-01T01:00:00Z",
        "schedule shop --from 2001-01-01T02:00:00Z --until 2001-01-01T03:00:00Z",
        "schedule shop --from 25:00 --for 1h",
        "schedule shop --from 9999-12-31T02:00:00Z --for 48h",
        "schedule shop --from 2099-01-01T02:00:00Z --for 1h --eta 2099-01-01T01:00:00Z",
        "schedule shop --from 2099-01-01T02:00:00Z --stay --eta 2099-01-01T02:00:00Z",
        "schedule shop --from 2099-01-01T02:00:00Z",
    ] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 2, "{words}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{words}: {output:?}");
        assert_eq!(envoy.site("shop").await["revision"], 0, "{words}");
    }
}

#[tokio::test]
async fn a_clock_time_in_a_window_is_the_next_after_its_start() {
    let (_app, _envoy, desk, _) = pushing().await;
    let planned = desk.json("schedule shop --from 2099-01-01T02:00:00Z --until 01:30 --eta 03:30 --json").await;
    let window = &planned["sites"][0]["windows"][0];
    let times = ["from", "eta", "until"].map(|name| window[name].clone());
    assert_eq!(json!(times), json!(["2099-01-01T02:00:00Z", "2099-01-01T03:30:00Z", "2099-01-02T01:30:00Z"]));
}

#[tokio::test]
async fn a_declared_site_is_refused_with_the_reason() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut declared = policy(&signer);
    declared["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = Envoy::builder(app.address()).policy(&declared).control(&control(&signer)).watched_file().start().await;
    let desk = Desk::pushing(&signer, &[&base(&envoy)]);
    let output = desk.run("open shop").await;
    assert_eq!(output.code, 4, "{output:?}");
    assert!(output.stderr.contains("policy"), "{output:?}");
    assert_eq!(status_of(&envoy).await, 503);
    envoy.set_policy(&policy(&signer)).await;
    crate::support::eventually("the site opens", async || (status_of(&envoy).await == 200).then_some(())).await;
}

#[tokio::test]
async fn open_ends_the_running_window_and_names_the_next() {
    let (_app, envoy, desk, _) = pushing().await;
    let now = jiff::Timestamp::now();
    let at = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    assert_eq!(desk.run(&format!("schedule shop --from {} --for 1h", at(5))).await.code, 0);
    let soon = (now + jiff::SignedDuration::from_secs(3)).to_string();
    assert_eq!(desk.run(&format!("schedule shop --from {soon} --for 1h --reason Window")).await.code, 0);
    crate::support::eventually("the window opens by itself", async || (status_of(&envoy).await == 503).then_some(()))
        .await;
    let opened = desk.run("open shop").await;
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(opened.stdout.contains("ONLINE") && opened.stdout.contains("next"), "{opened:?}");
    assert_eq!(status_of(&envoy).await, 200);
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!(site["windows"].as_array().unwrap().len(), 1, "{site}");
    let history = desk.run("history shop").await;
    assert!(history.stdout.contains("Window"), "{history:?}");
    let cancelled = desk.run("cancel shop --all").await;
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    assert_eq!(desk.json("status shop --json").await["sites"][0]["windows"], json!([]));
}

#[tokio::test]
async fn a_command_runs_while_the_site_is_closed() {
    let (_app, envoy, desk, _) = pushing().await;
    let url = envoy.url("/");
    let code = "curl --silent --noproxy * --output /dev/null --write-out %{http_code}";
    let ran = desk.run(&format!("close shop -- {code} {url}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("503"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(desk.run("close shop -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 503);
    assert_eq!(desk.run("close shop --on-failure open -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn what_somebody_else_has_closed_stays_closed_after_a_command() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop --by alice").await.code, 0);
    let ran = desk.run("close shop --by bob -- true").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("shop was closed before, by alice, so it stays closed"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let leased = desk.run("close shop --by bob --lease 2m --reason Mine -- true").await;
    assert_eq!(leased.code, 0, "{leased:?}");
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["until"], &site["reason"]), (&Value::Null, &Value::Null), "{site}");
    assert_eq!(desk.run("close shop --by alice -- true").await.code, 0);
    assert_eq!(status_of(&envoy).await, 200);
    // Nor is what others close while the command runs.
    let meanwhile = format!("{} close shop --by carol --for 1h", crate::support::maintctl().display());
    let ran = desk.run(&format!("close shop --by bob --lease 2m -- {meanwhile}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("by carol meanwhile"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let weaker = desk.run("open shop").await.code + desk.run("close shop --by carol --read-only").await.code;
    assert_eq!(weaker, 0);
    let refused = desk.run("close shop --by bob -- true").await;
    assert_eq!(refused.code, 4, "{refused:?}");
}

#[tokio::test]
async fn suspending_a_rule_that_is_none_is_an_error_that_changes_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    let output = desk.run("close shop --suspend staf").await;
    assert_eq!(output.code, 1, "{output:?}");
    let told = "shop: --suspend \"staf\": no exempt rule has this name (they are: acme-challenge, staff); did you mean \"staff\"?";
    assert!(output.stderr.contains(told), "{output:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(desk.run("close shop --suspend staff --until 2099-01-01T00:00:00Z --eta 2h").await.code, 0);
    let taken_back = desk.run("close shop --suspend none --until none --eta none").await;
    assert_eq!(taken_back.code, 0, "{taken_back:?}");
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["until"], &site["eta"]), (&Value::Null, &Value::Null), "{site}");
    assert!(site["suspend"].as_array().is_none_or(Vec::is_empty), "{site}");
}

#[tokio::test]
async fn two_operators_at_once_lose_nothing() {
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
async fn the_exit_code_of_status_is_the_strictest_mode() {
    let (_app, _envoy, desk, _) = pushing().await;
    for (change, code) in [(None, 0), (Some("close api --read-only"), 11), (Some("close shop"), 12)] {
        if let Some(change) = change {
            assert_eq!(desk.run(change).await.code, 0);
        }
        let status = desk.run("status --exit-code").await;
        assert_eq!(status.code, code, "{status:?}");
    }
    let lines = desk.run("status").await.stdout;
    assert!(lines.contains("READ_ONLY") && lines.contains("OFFLINE") && lines.contains("1/1 Envoys"), "{lines}");
}

#[tokio::test]
async fn watching_prints_a_line_for_each_change() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let (_app, _envoy, desk, _) = pushing().await;
    let mut watch =
        desk.command("status shop --watch").stdout(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until = async |mode: &str| {
        let seen = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(mode) {
                    return;
                }
            }
            panic!("ended before {mode}");
        };
        tokio::time::timeout(Duration::from_secs(10), seen).await.unwrap_or_else(|_| panic!("no {mode}"));
    };
    until("ONLINE").await;
    assert_eq!(desk.run("close shop").await.code, 0);
    until("OFFLINE").await;
}

#[tokio::test]
async fn what_comes_later_is_a_usage_error() {
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

/// An Envoy that watches a file, and a desk that writes it.
async fn writing(app: &App, signer: &Signer) -> (Envoy, Desk) {
    let envoy = Envoy::builder(app.address())
        .policy(&policy(signer))
        .control(&control(signer))
        .workers(2)
        .watched_file()
        .start()
        .await;
    let desk = Desk::new(signer, "");
    desk.write("policy.yaml", &policy(signer).to_string());
    let target = format!("file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]", envoy.ecds_file(), base(&envoy));
    desk.target(&target);
    (envoy, desk)
}

#[tokio::test]
async fn a_file_closes_and_opens_and_outlives_envoy() {
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

/// What the generated file says: all but the states, and the states.
fn generated(envoy: &Envoy) -> (Value, Value) {
    let text = std::fs::read_to_string(envoy.ecds_file()).unwrap();
    let mut file: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let value = &mut file["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let mut policy: Value = serde_json::from_str(value.as_str().unwrap()).unwrap();
    let states = policy["state"].take();
    *value = policy;
    (file, states)
}

#[tokio::test]
async fn killed_at_any_instant_it_leaves_the_file_whole() {
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
        match new == states {
            true => kept += 1,
            false => {
                assert_eq!(new["shop"]["mode"], "online", "call {call}: {new}");
                replaced += 1;
            }
        }
    }
    assert!(kept > 5 && replaced > 1, "killed {kept} times before the file was another one, {replaced} times after");
    let last = desk.run("close shop").await;
    assert_eq!(last.code, 0, "{last:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let beside = std::fs::read_dir(envoy.ecds_file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".maintenance.yaml.lock", "maintenance.yaml"]);
}
