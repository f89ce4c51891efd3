//! Leases, signals and the command that maintctl runs.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::reach::envoy;
use super::{generated, pushing, status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::{self, DEADLINE, eventually};

/// A running maintctl and its stdout.
pub struct RunningMaintctl {
    pub process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl RunningMaintctl {
    pub fn start(command: &mut Command) -> RunningMaintctl {
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("maintctl");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        RunningMaintctl { process, lines }
    }

    /// Starts a maintctl that closes `shop` while a shell script runs.
    pub fn script(desk: &Desk, flags: &str, script: &str) -> RunningMaintctl {
        RunningMaintctl::start(desk.command(&format!("close shop {flags} --")).args(["sh", "-c", script]))
    }

    /// The next line that maintctl or its command prints.
    pub async fn line(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line()).await.expect("a line within the time limit");
        line.unwrap().expect("another line")
    }

    pub fn signal(&self, signal: Signal) {
        support::signal(self.process.id().unwrap(), signal);
    }

    /// The exit code and stderr.
    pub async fn end(self) -> (Option<i32>, String) {
        let output = tokio::time::timeout(DEADLINE, self.process.wait_with_output())
            .await
            .expect("maintctl exits within the time limit");
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

async fn until(desk: &Desk) -> Option<Timestamp> {
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!(site["mode"], "offline", "{site}");
    site["until"].as_str().map(|time| time.parse().unwrap())
}

#[tokio::test]
async fn a_lease_is_renewed_while_the_command_runs_and_opens_the_site_after_a_crash() {
    let (_app, envoy, desk, _) = pushing().await;
    let mut runner = RunningMaintctl::script(&desk, "--lease 3s", "echo $$; exec sleep 60");
    let command = runner.line().await.parse().unwrap();
    let first = until(&desk).await.expect("the site has until");
    assert!(first <= Timestamp::now() + Duration::from_secs(3), "{first}");
    eventually("the first lease has expired", async || {
        assert_eq!(status_of(&envoy).await, 503);
        (Timestamp::now() > first + Duration::from_secs(1)).then_some(())
    })
    .await;
    assert!(until(&desk).await.expect("the site has until") > Timestamp::now());
    runner.process.kill().await.unwrap();
    eventually("the site opens", async || (status_of(&envoy).await == 200).then_some(())).await;
    support::signal(command, Signal::KILL);
    assert!(desk.run("history shop").await.stdout.contains("OFFLINE"));
}

#[tokio::test]
async fn an_envoy_at_which_a_lease_is_not_renewed_is_named_until_it_is() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let mut command = desk.command("close shop --lease 9s -- cat");
    let mut runner = RunningMaintctl::start(command.stdin(Stdio::piped()));
    let mut stderr = BufReader::new(runner.process.stderr.take().unwrap()).lines();
    let mut warning = async || {
        let line = tokio::time::timeout(DEADLINE, stderr.next_line()).await.expect("a line within the time limit");
        line.unwrap().expect("another line")
    };
    while !warning().await.starts_with("note: not durable") {}
    two.kill();
    assert_eq!(warning().await, "warning: the lease is not renewed at:");
    let named = warning().await;
    assert!(named.contains(&two.endpoint()) && !named.contains(&one.endpoint()), "{named}");
    let revision = async || one.site("shop").await["revision"].as_u64();
    for _ in 0..2 {
        let before = revision().await;
        eventually("the lease is renewed at the other Envoy", async || (revision().await > before).then_some(())).await;
    }
    two.restart().await;
    let mut last = named;
    loop {
        match warning().await.as_str() {
            "note: the lease is renewed everywhere again" => break,
            "warning: the lease is not renewed at:" => {}
            line => {
                assert_ne!(line, last, "the same warning again");
                last = line.to_owned();
            }
        }
    }
    eventually("the second Envoy has closed the site, too", async || (status_of(&two).await == 503).then_some(()))
        .await;
    assert_eq!(status_of(&one).await, 503);
    drop(runner.process.stdin.take());
    assert_eq!(runner.end().await.0, Some(0));
    assert_eq!((status_of(&one).await, status_of(&two).await), (200, 200));
}

#[tokio::test]
async fn a_lease_ends_with_the_command() {
    let (_app, envoy, desk, _) = pushing().await;
    let failed = desk.run("close shop --lease 2s -- false").await;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(until(&desk).await, None, "after a failed command the site has no `until`");
    assert_eq!(status_of(&envoy).await, 503);
    // After a failed command, a site does not open by itself.
    assert_eq!(desk.run("close shop --until 2099-01-01T00:00:00Z").await.code, 0);
    let failed = desk.run("close shop --lease 2s -- false").await;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(until(&desk).await, None, "{failed:?}");
    assert_eq!(desk.run("open shop").await.code, 0);
    let done = desk.run("close shop --lease 2s -- true").await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn an_until_that_passes_while_the_command_runs_does_not_open_the_site_after_a_failure() {
    let (_app, envoy, desk, _) = pushing().await;
    let end = Timestamp::now() + Duration::from_secs(8);
    assert_eq!(desk.run(&format!("close shop --until {end}")).await.code, 0);
    let mut command = desk.command("close shop --lease 10s --");
    let mut runner =
        RunningMaintctl::start(command.args(["sh", "-c", "echo ready; cat; exit 1"]).stdin(Stdio::piped()));
    assert_eq!(runner.line().await, "ready");
    eventually("`until` has passed", async || (Timestamp::now() > end).then_some(())).await;
    drop(runner.process.stdin.take());
    let (code, stderr) = runner.end().await;
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!((until(&desk).await, status_of(&envoy).await), (None, 503), "{stderr}");
}

#[tokio::test]
async fn on_failure_open_opens_the_site_if_the_command_was_not_run() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close api").await.code, 0);
    two.kill();
    let opened = desk.run("close shop api --timeout 2s --on-failure open -- echo run").await;
    assert_eq!((opened.code, opened.stdout.as_str()), (3, ""), "{opened:?}");
    assert!(opened.stderr.contains("the command was not run") && opened.stderr.contains("shop: ONLINE"), "{opened:?}");
    assert!(!opened.stderr.contains("not opened"), "{opened:?}");
    assert_eq!(status_of(&one).await, 200);
    // A site that was closed before stays closed.
    assert_eq!(one.site("api").await["mode"], "offline");
    let stays = desk.run("close shop --timeout 2s -- echo run").await;
    assert_eq!((stays.code, stays.stdout.as_str()), (3, ""), "{stays:?}");
    assert!(stays.stderr.contains("not opened: shop (maintctl open shop;"), "{stays:?}");
    assert_eq!(status_of(&one).await, 503);
}

#[tokio::test]
async fn a_missing_command_is_a_usage_error_that_changes_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, program) in
        [("close shop --", None), ("on shop --", None), ("open shop --", None), ("close shop --", Some(""))]
    {
        let output = desk.command(words).args(program).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains("after `--` the command to run is missing; nothing changed"), "{words}: {stderr}");
        assert_eq!(envoy.site("shop").await["revision"], 0, "{words}");
    }
    // A second `--` is an argument of the command.
    assert_eq!(desk.run("close shop -- true --").await.code, 0);
}

#[tokio::test]
async fn a_lease_in_a_file_is_renewed() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let mut runner = RunningMaintctl::script(&desk, "--lease 2s", "echo ready; sleep 4; echo done");
    assert_eq!(runner.line().await, "ready");
    let first = until(&desk).await.expect("the site has until");
    assert_eq!(runner.line().await, "done");
    assert!(Timestamp::now() > first);
    assert_eq!(runner.end().await.0, Some(0));
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(generated(&envoy).1["shop"]["mode"], "online");
}

#[tokio::test]
async fn an_interrupt_while_waiting_keeps_the_change() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    // No Envoy watches this file, so that maintctl waits.
    let target = std::fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    desk.write("maintctl.toml", &target.replace(envoy.ecds_file().to_str().unwrap(), "unwatched.yaml"));
    desk.write("unwatched.yaml", &std::fs::read_to_string(envoy.ecds_file()).unwrap());
    for (mode, words, signal, code) in [
        ("offline", "close shop --timeout 20s", Signal::INT, 130),
        ("online", "open shop --timeout 20s", Signal::TERM, 143),
        ("offline", "close shop --timeout 20s", Signal::HUP, 129),
    ] {
        let waiting = RunningMaintctl::start(&mut desk.command(words));
        eventually("the file is written", async || {
            let file: Value =
                serde_saphyr::from_str(&std::fs::read_to_string(desk.path().join("unwatched.yaml")).ok()?).ok()?;
            let policy = &file["resources"][0]["typed_config"]["config"]["configuration"]["value"];
            let policy: Value = serde_json::from_str(policy.as_str()?).ok()?;
            (policy["state"]["shop"]["mode"] == mode).then_some(())
        })
        .await;
        waiting.signal(signal);
        let (exit_code, stderr) = waiting.end().await;
        assert_eq!(exit_code, Some(code), "{stderr}");
        assert!(stderr.contains("interrupted; see `maintctl status` for the current state"), "{stderr}");
    }
}

#[tokio::test]
async fn signals_are_passed_to_the_command() {
    let (_app, envoy, desk, _) = pushing().await;
    let patient = "trap 'echo got it; exit 7' HUP INT TERM; echo ready; while :; do sleep 0.1; done";
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        let mut running = RunningMaintctl::script(&desk, "", patient);
        assert_eq!(running.line().await, "ready");
        running.signal(signal);
        assert_eq!(running.line().await, "got it");
        let (code, stderr) = running.end().await;
        assert_eq!(code, Some(7), "{signal:?}: {stderr}");
        assert!(stderr.contains("not opened: shop"), "{stderr}");
        assert_eq!(status_of(&envoy).await, 503);
    }
    assert_eq!(desk.run("open shop").await.code, 0);
    // If the signal ends the command, the exit code is 128 + the signal, as in a shell.
    let mut running = RunningMaintctl::script(&desk, "--on-failure open", "echo ready; exec sleep 60");
    assert_eq!(running.line().await, "ready");
    running.signal(Signal::TERM);
    assert_eq!(running.end().await.0, Some(143));
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn only_the_command_writes_to_stdout() {
    let (_app, _envoy, desk, _) = pushing().await;
    let ran = desk.run("close shop -- echo hello").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "hello\n"), "{ran:?}");
    assert!(ran.stderr.contains("shop: OFFLINE") && ran.stderr.contains("shop: ONLINE"), "{ran:?}");
}
