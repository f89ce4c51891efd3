//! The journal, and the history that reads it.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use super::reach::envoy;
use super::running::RunningMaintctl;
use super::{pushing, status_of};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::{DEADLINE, eventually};

/// Adds a journal to the configuration.
fn with_journal(desk: &Desk) {
    let target = std::fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    desk.write("maintctl.toml", &format!("journal = \"maintctl.jsonl\"\n{target}"));
}

fn entries(desk: &Desk) -> Vec<Value> {
    let text = std::fs::read_to_string(desk.path().join("maintctl.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test]
async fn every_change_is_one_line_of_the_journal() {
    let (_app, mut envoy, desk, _) = pushing().await;
    with_journal(&desk);
    for words in [
        "close shop --reason Upgrade --by alice",
        "close shop",
        "status",
        "close shop --dry-run --reason x",
        "close api --by ci -- sh -c true",
        "open shop",
    ] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 0, "{words}: {output:?}");
    }
    envoy.kill();
    assert_eq!(desk.run("close shop --timeout 1s").await.code, 3);
    let entries = entries(&desk);
    let of = |entry: &Value| {
        let (before, after) = (&entry["sites"][0]["before"]["mode"], &entry["sites"][0]["after"]["mode"]);
        let words: Vec<&str> = entry["command"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&entry["by"]), words.join(" "), text(before), text(after))
    };
    let row = |by: &str, words: &str, before: &str, after: &str| {
        (by.to_owned(), words.to_owned(), before.to_owned(), after.to_owned())
    };
    assert_eq!(
        entries.iter().map(of).collect::<Vec<_>>(),
        [
            row("alice", "close shop --reason Upgrade --by alice", "online", "offline"),
            // Of a command, only the name is kept.
            row("ci", "close api --by ci -- sh", "online", "offline"),
            row("ci", "close api --by ci -- sh", "offline", "online"),
            row("ops@example.com", "open shop", "offline", "online"),
            row("ops@example.com", "close shop --timeout 1s", "", ""),
        ]
    );
    let first = &entries[0];
    assert_eq!((&first["envoys"]["adopted"], &first["envoys"]["total"]), (&1.into(), &1.into()), "{first}");
    assert!(first["user"].as_str().unwrap().contains('@') && first["time"].is_string(), "{first}");
    assert_eq!((&first["target"], &first["sites"][0]["before"]["revision"]), (&"one".into(), &0.into()), "{first}");
    assert!(entries[4]["error"].is_string(), "{}", entries[4]);
    // The history is complete although the Envoy is gone.
    let history = desk.run("history --timeout 1s").await;
    assert_eq!(history.code, 3, "{history:?}");
    assert!(history.stdout.contains("Upgrade") && history.stdout.contains("api"), "{history:?}");
}

#[tokio::test]
async fn the_history_has_each_maintenance_once_and_more_than_five_with_a_journal() {
    let (_app, _envoy, desk, _) = pushing().await;
    let reasons = async |words: &str| -> Vec<String> {
        let history = desk.json(words).await;
        history.as_array().unwrap().iter().map(|past| past["reason"].as_str().unwrap_or_default().to_owned()).collect()
    };
    for number in 0..7 {
        if number == 1 {
            with_journal(&desk);
        }
        assert_eq!(desk.run(&format!("close shop --reason r{number}")).await.code, 0);
        assert_eq!(desk.run("open shop").await.code, 0);
    }
    assert_eq!(reasons("history shop --json").await, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);
    assert_eq!(reasons("history api --json").await, [""; 0]);
    let journal = std::fs::read_to_string(desk.path().join("maintctl.jsonl")).unwrap();
    // An incomplete line, as of a full disk, is skipped, and the next entry begins a line of its own.
    desk.write("maintctl.jsonl", &format!("{journal}{{\"time\":"));
    assert_eq!(desk.run("close shop --reason r7").await.code, 0);
    assert_eq!(desk.run("open shop").await.code, 0);
    let history = desk.run("history shop --json").await;
    assert!(history.stderr.contains("maintctl.jsonl has an invalid line, 13"), "{history:?}");
    assert_eq!(serde_json::from_str::<Value>(&history.stdout).unwrap().as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_a_warning() {
    let (_app, envoy, desk, _) = pushing().await;
    with_journal(&desk);
    std::fs::create_dir(desk.path().join("maintctl.jsonl")).unwrap();
    std::fs::set_permissions(desk.path().join("maintctl.jsonl"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let closed = desk.run("close shop").await;
    assert_eq!((closed.code, status_of(&envoy).await), (0, 503), "{closed:?}");
    assert!(
        closed.stderr.contains("cannot be written") && closed.stderr.contains("the change is not affected"),
        "{closed:?}"
    );
}

#[tokio::test]
async fn several_maintctl_write_one_journal() {
    let (_app, _envoy, desk, _) = pushing().await;
    with_journal(&desk);
    let mut jobs = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut command = desk.command("close shop -- true");
        jobs.spawn(async move { command.output().await.unwrap().status.code() });
    }
    assert_eq!(jobs.join_all().await, [Some(0); 4]);
    eventually("every change has an entry", async || (entries(&desk).len() == 8).then_some(())).await;
}

#[tokio::test]
async fn an_interrupted_change_has_an_entry() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    with_journal(&desk);
    two.kill();
    // maintctl waits for the second Envoy.
    let waiting = RunningMaintctl::start(&mut desk.command("close shop --timeout 20s"));
    eventually("the first Envoy has closed the site", async || (status_of(&one).await == 503).then_some(())).await;
    waiting.signal(Signal::INT);
    assert_eq!(waiting.end().await.0, Some(130));
    let entries = entries(&desk);
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["error"], "interrupted; the change may have been made");
}

#[tokio::test]
async fn a_program_that_locks_the_journal_or_a_line_that_is_no_text_stops_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    with_journal(&desk);
    let file = desk.path().join("maintctl.jsonl");
    std::fs::write(&file, b"\xff\n").unwrap();
    let locked = std::fs::File::open(&file).unwrap();
    locked.lock().unwrap();
    let closed =
        tokio::time::timeout(DEADLINE, desk.run("close shop --by locked")).await.expect("within the time limit");
    assert_eq!((closed.code, status_of(&envoy).await), (0, 503), "{closed:?}");
    assert_eq!(desk.run("open shop").await.code, 0);
    let history = desk.run("history shop").await;
    assert!(history.stderr.contains("has an invalid line, 1") && history.stdout.contains("locked"), "{history:?}");
    let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
    assert_eq!(text.lines().count(), 3, "{text}");
}
