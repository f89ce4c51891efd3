//! Holds: several commands keep one site closed, until the last of them ends.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::reach::envoy;
use super::running::RunningMaintctl;
use super::terminal::at_terminals;
use super::{generated, pushing, status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::{DEADLINE, eventually, preload, signal};

/// A job that runs until its stdin is closed, and fails then if `fails`. It prints `ready` when it runs.
async fn job(desk: &Desk, flags: &str, fails: bool) -> RunningMaintctl {
    let script = format!("echo ready; cat > /dev/null; exit {}", i32::from(fails));
    let mut command = desk.command(&format!("close shop {flags} --"));
    let mut job = RunningMaintctl::start(command.args(["sh", "-c", &script]).stdin(Stdio::piped()));
    assert_eq!(job.line().await, "ready");
    job
}

/// Ends the command of a job. Returns the exit code and stderr of maintctl.
async fn end(mut job: RunningMaintctl) -> (Option<i32>, String) {
    drop(job.process.stdin.take());
    job.end().await
}

/// The holds in the document of `shop`, by owner.
async fn holders(desk: &Desk) -> Vec<String> {
    let site = desk.json("status shop --json").await["sites"][0].clone();
    let windows = site["windows"].as_array().cloned().unwrap_or_default();
    windows.iter().filter_map(|window| window["by"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_site_opens_when_the_last_of_several_commands_ends() {
    let (_app, envoy, desk, _) = pushing().await;
    // All jobs have the same --by.
    let (one, two) = (job(&desk, "", false).await, job(&desk, "--read-only", false).await);
    let three = job(&desk, "--by other", false).await;
    assert_eq!(holders(&desk).await, ["ops@example.com", "ops@example.com", "other"]);
    let (code, stderr) = end(two).await;
    assert_eq!((code, status_of(&envoy).await), (Some(0), 503), "{stderr}");
    assert!(stderr.contains("shop: still OFFLINE, held by ops@example.com since "), "{stderr}");
    assert!(stderr.contains(" and held by other since "), "{stderr}");
    assert_eq!((end(three).await.0, status_of(&envoy).await), (Some(0), 503));
    let (code, stderr) = end(one).await;
    assert_eq!((code, status_of(&envoy).await), (Some(0), 200), "{stderr}");
    assert!(stderr.contains("shop: ONLINE"), "{stderr}");
    let history = desk.json("history shop --json").await;
    let owners: Vec<&str> = history.as_array().unwrap().iter().filter_map(|past| past["by"].as_str()).collect();
    assert_eq!(owners, ["ops@example.com", "other", "ops@example.com"], "{history}");
}

#[tokio::test]
async fn commands_that_start_at_the_same_time_all_hold_the_site() {
    let (_app, envoy, desk, _) = pushing().await;
    let (one, two, three) = tokio::join!(job(&desk, "", false), job(&desk, "", false), job(&desk, "", false));
    assert_eq!(holders(&desk).await.len(), 3);
    let ends = async |job| {
        let (code, stderr) = end(job).await;
        assert_eq!(code, Some(0), "{stderr}");
    };
    tokio::join!(ends(one), ends(two));
    assert_eq!(status_of(&envoy).await, 503);
    ends(three).await;
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn the_hold_of_a_killed_maintctl_ends_with_its_lease() {
    let (_app, envoy, desk, _) = pushing().await;
    let long = job(&desk, "--by long --lease 60s", false).await;
    let mut killed = RunningMaintctl::script(&desk, "--by killed --lease 2s", "echo $$; exec sleep 60");
    let command = killed.line().await.parse().unwrap();
    killed.process.kill().await.unwrap();
    signal(command, Signal::KILL);
    eventually("the lease has ended", async || {
        assert_eq!(status_of(&envoy).await, 503);
        let history = desk.json("history shop --json").await;
        let is_over = |past: &&Value| past["by"] == "killed" && past.get("hold").is_none();
        history.as_array().unwrap().iter().find(is_over).map(drop)
    })
    .await;
    assert_eq!((end(long).await.0, status_of(&envoy).await), (Some(0), 200));
}

#[tokio::test]
async fn a_site_that_an_operator_has_closed_stays_closed_after_the_command() {
    let (_app, envoy, desk, _) = pushing().await;
    let running = job(&desk, "--by ci --lease 60s", false).await;
    let closed = desk.run("close shop --by alice --reason Checking").await;
    assert_eq!(closed.code, 0, "{closed:?}");
    assert!(closed.stdout.contains("; held by ci since "), "{closed:?}");
    let (code, stderr) = end(running).await;
    assert_eq!((code, status_of(&envoy).await), (Some(0), 503), "{stderr}");
    assert!(stderr.contains("shop: still OFFLINE, closed by alice since "), "{stderr}");
    // The same operator's own job does not open it either, nor does a job that finds it closed.
    let ran = desk.run("close shop --by alice -- true").await;
    assert_eq!((ran.code, status_of(&envoy).await), (0, 503), "{ran:?}");
    assert!(ran.stderr.contains("; already closed by alice since "), "{ran:?}");
}

#[tokio::test]
async fn open_names_the_commands_that_it_overrides_and_their_holds_are_not_taken_again() {
    let (_app, envoy, desk, _) = pushing().await;
    let mut leased = job(&desk, "--by ci --lease 3s", false).await;
    let failing = job(&desk, "--by deploy", true).await;
    let refused = desk.run("open shop -- true").await;
    assert_eq!((refused.code, status_of(&envoy).await), (4, 503), "{refused:?}");
    assert!(
        refused.stderr.contains("shop: held by ci since ") && refused.stderr.contains("nothing changed"),
        "{refused:?}"
    );
    let opened = desk.run("open shop --by alice").await;
    assert_eq!((opened.code, status_of(&envoy).await), (0, 200), "{opened:?}");
    assert!(
        opened.stdout.starts_with("shop: ONLINE; this overrides a running command: held by ci since "),
        "{opened:?}"
    );
    assert!(opened.stdout.contains(" and held by deploy since "), "{opened:?}");
    // The renewal of the lease says so, once.
    let mut stderr = BufReader::new(leased.process.stderr.take().unwrap()).lines();
    loop {
        let line = tokio::time::timeout(DEADLINE, stderr.next_line()).await.expect("a line within the time limit");
        let line = line.unwrap().expect("another line");
        if line.contains("was removed at ") {
            assert!(line.ends_with("; the last change is by alice; it is not taken again"), "{line}");
            break;
        }
    }
    assert_eq!((end(leased).await.0, status_of(&envoy).await), (Some(0), 200));
    // The site is open, so a command that fails does not close it.
    let (code, stderr) = end(failing).await;
    assert_eq!((code, status_of(&envoy).await), (Some(1), 200), "{stderr}");
    assert!(stderr.contains("shop: ONLINE; the hold h") && stderr.contains("the last change is by alice"), "{stderr}");
    assert!(!stderr.contains("not opened"), "{stderr}");
}

#[tokio::test]
async fn open_asks_on_a_terminal_before_it_overrides_a_command() {
    let (_app, envoy, desk, _) = pushing().await;
    let running = job(&desk, "--by ci", false).await;
    let question = "Open although commands are running that need the site closed? [y/N]";
    for (words, answer, code, asks, status) in [
        ("open shop", "n\n", 1, true, 503),
        ("open shop --dry-run", "", 0, false, 503),
        ("open shop", "y\n", 0, true, 200),
        ("open shop", "", 0, false, 200),
    ] {
        let output = at_terminals(&desk, "0", words, answer).await;
        assert_eq!((output.code, status_of(&envoy).await), (code, status), "{words}: {output:?}");
        assert_eq!(output.stderr.contains(question), asks, "{words}: {output:?}");
        assert_eq!(output.stderr.contains("shop: held by ci since "), asks, "{words}: {output:?}");
    }
    assert_eq!(end(running).await.0, Some(0));
    let running = job(&desk, "--by ci", false).await;
    let output = at_terminals(&desk, "0", "open shop --yes", "").await;
    assert_eq!((output.code, status_of(&envoy).await), (0, 200), "{output:?}");
    assert_eq!(end(running).await.0, Some(0));
}

#[tokio::test]
async fn history_lists_the_holds_of_running_commands() {
    let (_app, _envoy, desk, _) = pushing().await;
    let leased = job(&desk, "--by ci --lease 5m --reason Migration", false).await;
    let plain = job(&desk, "--by deploy", false).await;
    let history = desk.run("history shop").await;
    assert_eq!(history.code, 0, "{history:?}");
    let line =
        |by: &str| history.stdout.lines().find(|line| line.contains(by)).unwrap_or_else(|| panic!("{history:?}"));
    assert!(line(" ci ").contains("running, lease until ") && line(" ci ").contains("Migration"), "{history:?}");
    assert!(line(" deploy").contains("running"), "{history:?}");
    let holds = desk.json("history shop --json").await;
    assert!(holds[0]["hold"].as_str().unwrap().starts_with('h') && holds[0]["until"].is_string(), "{holds}");
    assert!(holds[1]["until"].is_null(), "{holds}");
    // Only scheduled windows are cancelled together; a hold has to be named.
    assert_eq!(desk.run("cancel shop --all").await.code, 0);
    assert_eq!(holders(&desk).await.len(), 2);
    let id = holds[1]["hold"].as_str().unwrap();
    assert_eq!(desk.run(&format!("cancel shop {id}")).await.code, 0);
    assert_eq!(holders(&desk).await, ["ci"]);
    assert_eq!((end(leased).await.0, end(plain).await.0), (Some(0), Some(0)));
}

#[tokio::test]
async fn commands_hold_a_site_of_a_file() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let (one, two) = (job(&desk, "--by one --lease 60s", false).await, job(&desk, "--by two", false).await);
    assert_eq!((end(one).await.0, status_of(&envoy).await), (Some(0), 503));
    assert_eq!(generated(&envoy).1["shop"]["windows"][0]["by"], "two");
    assert_eq!((end(two).await.0, status_of(&envoy).await), (Some(0), 200));
    assert_eq!(generated(&envoy).1["shop"]["windows"], Value::Null);
}

#[tokio::test]
async fn a_signal_before_the_command_starts_leaves_no_hold() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    two.kill();
    // maintctl waits for the second Envoy.
    let waiting = RunningMaintctl::script(&desk, "--timeout 3s", "echo run");
    eventually("the site is closed", async || (status_of(&one).await == 503).then_some(())).await;
    waiting.signal(Signal::TERM);
    let (code, stderr) = waiting.end().await;
    assert!(stderr.contains("maintctl first settles the state of the site"), "{stderr}");
    assert_eq!((code, status_of(&one).await), (Some(143), 200), "{stderr}");
}

#[tokio::test]
async fn an_envoy_that_forgets_a_hold_gets_it_again_with_the_next_renewal() {
    for lease in ["--lease 6s", ""] {
        let (_app, mut envoy, desk, _) = pushing().await;
        let mut running = job(&desk, lease, false).await;
        envoy.restart().await;
        eventually("the site is closed again", async || (status_of(&envoy).await == 503).then_some(())).await;
        let mut stderr = BufReader::new(running.process.stderr.take().unwrap()).lines();
        let mut note = async || {
            while let Some(line) = stderr.next_line().await.unwrap() {
                if line.contains("Envoy had forgotten hold h") {
                    return;
                }
            }
            panic!("no note");
        };
        tokio::time::timeout(DEADLINE, note()).await.expect("a note within the time limit");
        assert_eq!((end(running).await.0, status_of(&envoy).await), (Some(0), 200), "{lease}");
    }
}

#[tokio::test]
async fn too_many_holds_for_one_document_change_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    let long = "x".repeat(5000);
    let first = job(&desk, &format!("--reason {long}"), false).await;
    let revision = envoy.site("shop").await["revision"].clone();
    let second = desk.run(&format!("close shop --reason {long} -- echo run")).await;
    assert_eq!((second.code, second.stdout.as_str()), (1, ""), "{second:?}");
    assert!(second.stderr.contains("longer than 8 KiB"), "{second:?}");
    assert_eq!(envoy.site("shop").await["revision"], revision);
    assert_eq!((end(first).await.0, status_of(&envoy).await), (Some(0), 200));
}

#[tokio::test]
async fn the_command_starts_with_a_live_lease_even_if_an_envoy_adopted_it_late() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    two.signal(Signal::STOP);
    let mut running = RunningMaintctl::script(&desk, "--lease 3s --timeout 60s", "echo ready; cat > /dev/null");
    eventually("the first lease has begun", async || (status_of(&one).await == 503).then_some(())).await;
    eventually("the first lease has ended", async || (status_of(&one).await == 200).then_some(())).await;
    two.signal(Signal::CONT);
    assert_eq!(running.line().await, "ready");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
    assert_eq!((running.end().await.0, status_of(&one).await), (Some(0), 200));
}

#[tokio::test]
async fn a_lease_that_would_end_too_early_by_the_clock_of_envoy_starts_no_command() {
    let (_app, _envoy, desk, _) = pushing().await;
    let library = preload::library(desk.path());
    for (ahead, lease, reason) in [
        ("-20", "30s", "the clock of an Envoy is "),
        // The hold begins in Envoy's future, and would have ended by then.
        ("20", "2s", "online instead of offline, because its clock says "),
    ] {
        let mut command =
            desk.command(&format!("close shop --timeout 3s --on-failure open --lease {lease} -- echo run"));
        let output = command.env("LD_PRELOAD", &library).env("SECONDS_AHEAD", ahead).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b""[..]), "{ahead}: {stderr}");
        assert!(stderr.contains("the command was not run") && stderr.contains(reason), "{ahead}: {stderr}");
    }
}

#[tokio::test]
async fn a_hold_that_a_restart_has_lost_is_not_called_removed() {
    let (_app, mut envoy, desk, _) = pushing().await;
    let running = job(&desk, "", false).await;
    envoy.restart().await;
    let other = desk.run("close shop --by other -- true").await;
    assert_eq!(other.code, 0, "{other:?}");
    let (code, stderr) = end(running).await;
    assert_eq!((code, status_of(&envoy).await), (Some(0), 200), "{stderr}");
    assert!(stderr.contains("shop: ONLINE; Envoy had forgotten the hold h"), "{stderr}");
}
