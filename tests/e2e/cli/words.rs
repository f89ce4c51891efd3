//! What maintctl prints, and for whom: people at a terminal, scripts, and shells.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{base, pushing, status_of, writing};
use crate::support::app::App;
use crate::support::client::{Output, run};
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::{DEADLINE, eventually, maintctl, preload};

/// The names of an object's members, sorted.
fn members(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    object.keys().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Runs maintctl as one that takes these of its streams for terminals, and types `answer`.
async fn at_terminals(desk: &Desk, terminals: &str, words: &str, answer: &str) -> Output {
    let library = preload::library(desk.path());
    let mut command = desk.command(words);
    command.env("LD_PRELOAD", library).env("TERMINALS", terminals).env("TERM", "xterm").env_remove("NO_COLOR");
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut keyboard = process.stdin.take().unwrap();
    // It may have ended without a question.
    let _ = keyboard.write_all(answer.as_bytes()).await;
    drop(keyboard);
    let output = tokio::time::timeout(DEADLINE, process.wait_with_output()).await.expect("an end in time").unwrap();
    output.into()
}

#[tokio::test]
async fn all_sites_are_asked_for_on_a_terminal_only() {
    let (_app, envoy, desk, _) = pushing().await;
    for (answer, code, mode) in [
        ("n\n", 1, "online"),
        ("\n", 1, "online"),
        ("", 1, "online"),
        ("yes, but\n", 1, "online"),
        ("y\n", 0, "offline"),
    ] {
        let output = at_terminals(&desk, "0", "close --all", answer).await;
        assert_eq!(output.code, code, "{answer:?}: {output:?}");
        assert!(output.stderr.contains("Close all 2 sites (api, shop)? [y/N]"), "{output:?}");
        assert_eq!(output.stderr.contains("nothing changed"), code == 1, "{output:?}");
        assert_eq!(envoy.site("shop").await["mode"], mode, "{answer:?}");
    }
    // A pipe that could answer is not asked, and one that never will is not waited for.
    let output = at_terminals(&desk, "12", "open --all", "y\n").await;
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{output:?}");
    assert!(output.stderr.contains("--yes") && !output.stderr.contains("[y/N]"), "{output:?}");
    let mut waiting = desk.command("open --all");
    let mut waiting = waiting.stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let _silent = waiting.stdin.take();
    let ended = tokio::time::timeout(DEADLINE, waiting.wait()).await.expect("an end in time");
    assert_eq!(ended.unwrap().code(), Some(2));
    assert_eq!(envoy.site("shop").await["mode"], "offline");
}

#[tokio::test]
async fn the_time_that_a_question_takes_is_nobodys() {
    let (_app, _envoy, desk, _) = pushing().await;
    let library = preload::library(desk.path());
    let mut command = desk.command("close --all --timeout 6s --for 1h --json");
    command.env("LD_PRELOAD", library).env("TERMINALS", "0");
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut question = [0; 5];
    process.stderr.as_mut().unwrap().read_exact(&mut question).await.unwrap();
    assert_eq!(&question, b"Close");
    let asked = Instant::now();
    // Longer than it would wait for Envoy.
    eventually("somebody thinks", async || (asked.elapsed() > Duration::from_secs(7)).then_some(())).await;
    let answered = Timestamp::now();
    process.stdin.take().unwrap().write_all(b"y\n").await.unwrap();
    let output = tokio::time::timeout(DEADLINE, process.wait_with_output()).await.expect("an end in time").unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let until: Timestamp = answer["sites"][0]["until"].as_str().unwrap().parse().unwrap();
    assert!(until > answered + Duration::from_secs(3599), "{until} {answered}");
}

#[tokio::test]
async fn a_variable_that_is_empty_is_none_and_one_that_leads_nowhere_is_named() {
    let (_app, _envoy, desk, _) = pushing().await;
    let with = async |words: &str, config: &str| {
        let mut command = desk.command(words);
        let output = command.env("MAINTCTL_CONFIG", config).env("MAINTCTL_TARGET", "").env("MAINTCTL_BY", "").output();
        let output = output.await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(with("close shop", "").await.0, Some(0));
    let by = desk.json("status shop --json").await["sites"][0]["by"].clone();
    assert!(by.as_str().unwrap().contains('@'), "{by}");
    for (words, config) in [("status", "nofile.toml"), ("status --config nofile.toml", "")] {
        let (code, said) = with(words, config).await;
        let told = "error: nofile.toml, which --config or MAINTCTL_CONFIG names, is not there\n";
        assert_eq!((code, said.as_str()), (Some(1), told), "{words}");
    }
}

#[tokio::test]
async fn colour_is_for_terminals_only() {
    let (_app, _envoy, desk, _) = pushing().await;
    const ESCAPE: char = '\u{1b}';
    for words in
        ["status", "close shop", "close nosuch", "history", "open shop", "--help", "close --until", "close --help"]
    {
        let output = desk.run(words).await;
        assert!(!output.stdout.contains(ESCAPE) && !output.stderr.contains(ESCAPE), "{words}: {output:?}");
    }
    for (terminals, is_coloured) in [("2", true), ("01", false)] {
        let output = at_terminals(&desk, terminals, "close nosuch", "").await;
        assert_eq!(output.stderr.contains(ESCAPE), is_coloured, "{terminals}: {output:?}");
    }
    let library = preload::library(desk.path());
    let mut plain = desk.command("close nosuch");
    let output = plain.env("LD_PRELOAD", library).env("TERMINALS", "012").env("NO_COLOR", "1").output().await.unwrap();
    assert!(!String::from_utf8(output.stderr).unwrap().contains(ESCAPE));
}

#[tokio::test]
async fn what_a_restart_would_forget_is_called_not_durable() {
    let (app, envoy, desk, signer) = pushing().await;
    let note = "note: not durable: target \"one\" only pushes";
    for (words, is_noted) in [
        ("close shop", true),
        ("close shop", false),
        ("schedule api --from 2099-01-01T02:00:00Z --stay", true),
        ("open shop", false),
    ] {
        let output = desk.run(words).await;
        assert_eq!((output.code, output.stderr.contains(note)), (0, is_noted), "{words}: {output:?}");
    }
    drop(envoy);
    let (_envoy, desk) = writing(&app, &signer).await;
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
}

#[tokio::test]
async fn a_file_whose_envoys_are_not_named_is_written_and_not_vouched_for() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    desk.target(&format!("file = {:?}\npolicy = \"policy.yaml\"", envoy.ecds_file()));
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stdout.as_str()), (3, "shop: OFFLINE\n"), "{output:?}");
    let told = "the file is written, but whether Envoy follows cannot be read: target \"one\" has no `envoys`";
    assert!(output.stderr.contains(told) && output.stderr.contains("--wait=false"), "{output:?}");
    eventually("the site closes", async || (status_of(&envoy).await == 503).then_some(())).await;
    let status = desk.run("status shop").await;
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stdout.contains("OFFLINE") && status.stdout.contains("not known"), "{status:?}");
    let output = desk.run("open shop --wait=false").await;
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (0, "shop: ONLINE\n", ""));
}

#[tokio::test]
async fn a_change_is_one_json_value() {
    let (_app, envoy, desk, _) = pushing().await;
    let far = "--from 2099-01-01T02:00:00Z --until 2099-01-01T03:00:00Z";
    for (words, mode, changed, windows) in [
        ("close shop --reason Upgrade --until 2099-01-01T00:00:00Z --json".to_owned(), "offline", true, 0),
        ("close shop --json".to_owned(), "offline", false, 0),
        (format!("schedule shop {far} --json"), "offline", true, 1),
        ("cancel shop w1 --json".to_owned(), "offline", true, 0),
        ("open shop --json".to_owned(), "online", true, 0),
        ("open shop --json".to_owned(), "online", false, 0),
    ] {
        let answer = desk.json(&words).await;
        assert_eq!(members(&answer), ["envoys", "sites", "target"], "{words}: {answer}");
        assert_eq!(answer["target"], "one");
        assert_eq!(answer["envoys"], json!({ "total": 1, "followed": 1, "lagging": [] }), "{words}");
        let site = &answer["sites"][0];
        let expected = ["changed", "eta", "mode", "reason", "revision", "since", "site", "until", "windows"];
        assert_eq!(members(site), expected, "{words}");
        assert_eq!((&site["site"], &site["mode"], &site["changed"]), (&json!("shop"), &json!(mode), &json!(changed)));
        assert_eq!(site["windows"].as_array().unwrap().len(), windows, "{words}: {site}");
        assert_eq!(site["reason"] == "Upgrade", mode == "offline", "{words}: {site}");
        assert_eq!(site["until"] == "2099-01-01T00:00:00Z", mode == "offline", "{words}: {site}");
        assert_eq!(site["revision"], envoy.site("shop").await["revision"], "{words}");
    }
    let unwatched = desk.json("close shop --wait=false --json").await;
    assert_eq!((&unwatched["envoys"], &unwatched["sites"][0]["mode"]), (&Value::Null, &json!("offline")));
}

#[tokio::test]
async fn a_change_that_not_all_follow_is_one_json_value_too() {
    let (_app, envoy, desk, _) = pushing().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    desk.target(&format!("envoys = [{:?}, \"http://{nobody}/.maintenance\"]", base(&envoy)));
    let output = desk.run("close shop --timeout 2s --json").await;
    assert_eq!(output.code, 3, "{output:?}");
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    let envoys = &answer["envoys"];
    assert_eq!((&envoys["total"], &envoys["followed"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(members(&envoys["lagging"][0]), ["envoy", "why"], "{answer}");
    assert!(envoys["lagging"][0]["envoy"].as_str().unwrap().contains(&nobody.to_string()), "{answer}");
}

#[tokio::test]
async fn the_history_is_one_json_value() {
    let (_app, _envoy, desk, _) = pushing().await;
    assert_eq!(desk.json("history --json").await, json!([]));
    for words in ["close shop --reason Upgrade", "open shop", "close api --read-only", "open api"] {
        assert_eq!(desk.run(words).await.code, 0);
    }
    let history = desk.json("history --json").await;
    assert_eq!(members(&history[0]), ["by", "from", "mode", "reason", "site", "until"]);
    let said = |number: usize| {
        let entry = &history[number];
        ["site", "mode", "reason", "by"].map(|name| entry[name].clone())
    };
    assert_eq!(said(0), [json!("api"), json!("read_only"), Value::Null, json!("ops@example.com")]);
    assert_eq!(said(1), [json!("shop"), json!("offline"), json!("Upgrade"), json!("ops@example.com")]);
    assert_eq!(desk.json("history api --json").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_key_that_the_policy_knows_there_is_no_history() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let stranger = Desk::pushing(&Signer::generate(), &[&base(&envoy)]);
    let told = "without a key that the policy knows there is no history";
    for (is_there, code, why) in
        [(true, 4, "`maintctl init` prints what to put into the policy"), (false, 1, "maintctl.key")]
    {
        if !is_there {
            std::fs::remove_file(stranger.path().join("maintctl.key")).unwrap();
        }
        let output = stranger.run("history").await;
        assert_eq!((output.code, output.stdout.as_str()), (code, ""), "{output:?}");
        assert!(output.stderr.contains(told) && output.stderr.contains(why), "{output:?}");
    }
}

#[tokio::test]
async fn only_what_could_have_changed_something_says_that_nothing_has() {
    let (_app, mut envoy, desk, _) = pushing().await;
    for (words, could) in
        [("status shopp", false), ("history shopp", false), ("close shopp", true), ("cancel shopp w1", true)]
    {
        let output = desk.run(words).await;
        assert_eq!(output.code, 1, "{words}: {output:?}");
        assert!(output.stderr.contains("unknown site \"shopp\"; did you mean \"shop\"?"), "{words}: {output:?}");
        assert_eq!(output.stderr.contains("nothing changed"), could, "{words}: {output:?}");
    }
    envoy.kill();
    for (words, could) in [("history", false), ("close shop", true)] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 3, "{words}: {output:?}");
        assert!(output.stderr.contains("no Envoy can be asked"), "{words}: {output:?}");
        assert_eq!(output.stderr.contains("nothing changed"), could, "{words}: {output:?}");
    }
}

#[tokio::test]
async fn findings_are_one_json_value() {
    let desk = Desk::new(&Signer::generate(), "");
    desk.write("good.yaml", "sites: [{ name: shop }]");
    assert_eq!(desk.json("lint good.yaml --json").await, json!([]));
    desk.write("bad.yaml", "sits: []");
    desk.write("odd.yaml", "exempt: [{ name: a, methods: [GET] }, { name: b, methods: [GET] }]");
    let output = desk.run("lint bad.yaml good.yaml odd.yaml none.yaml --json").await;
    assert_eq!((output.code, output.stderr.as_str()), (1, ""), "{output:?}");
    let findings: Value = serde_json::from_str(&output.stdout).unwrap();
    for finding in findings.as_array().unwrap() {
        assert_eq!(members(finding), ["file", "level", "path", "text"], "{finding}");
    }
    let levels: Vec<_> = findings.as_array().unwrap().iter().map(|finding| &finding["level"]).collect();
    assert_eq!(levels, ["error", "note", "error"], "{findings}");
    let expected = json!({
        "file": "bad.yaml", "level": "error", "path": "sits", "text": "unknown field; did you mean \"sites\"?",
    });
    assert_eq!(findings[0], expected);
    assert_eq!(findings.as_array().unwrap().last().unwrap()["file"], "none.yaml");
}

#[tokio::test]
async fn watching_in_json_is_one_value_a_line() {
    let (_app, _envoy, desk, _) = pushing().await;
    let mut command = desk.command("status shop --watch --json");
    let mut watch = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until = async |mode: &str| loop {
        let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a line in time");
        let value: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
        assert_eq!(members(&value), ["envoys", "missing", "sites", "target"], "{value}");
        assert_eq!(value["sites"].as_array().unwrap().len(), 1, "{value}");
        if value["sites"][0]["mode"] == mode {
            return value["sites"][0].clone();
        }
    };
    assert_eq!(until("online").await["site"], "shop");
    assert_eq!(desk.run("close shop --reason Upgrade").await.code, 0);
    assert_eq!(until("offline").await["reason"], "Upgrade");
    assert_eq!(desk.run("open shop").await.code, 0);
    until("online").await;
}

#[tokio::test]
async fn the_status_is_one_json_value() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop --reason Upgrade --note ticket --suspend staff").await.code, 0);
    let answer = desk.json("status --json").await;
    assert_eq!(members(&answer), ["envoys", "missing", "sites", "target"], "{answer}");
    assert_eq!(members(&answer["envoys"][0]), ["address", "envoy", "time", "version"], "{answer}");
    assert_eq!(answer["envoys"][0]["address"], base(&envoy));
    let sites = answer["sites"].as_array().unwrap();
    assert_eq!(sites.iter().map(|site| &site["site"]).collect::<Vec<_>>(), [&json!("api"), &json!("shop")]);
    let shop = &sites[1];
    for name in ["since", "until", "eta", "windows", "past", "channel", "revision", "digest", "refused", "bypassed"] {
        assert!(shop.get(name).is_some(), "{name}: {shop}");
    }
    let said = ["mode", "reason", "note", "by", "suspend", "declared"].map(|name| shop[name].clone());
    let expected = json!(["offline", "Upgrade", "ticket", "ops@example.com", ["staff"], false]);
    assert_eq!(json!(said), expected, "{shop}");
    assert_eq!(shop["workers"], json!({ "members": 2, "adopted": 2 }));
    assert_eq!(shop["envoys"], json!({ "total": 1, "followed": 1, "lagging": [] }));
}

/// What every shell should complete.
const VERBS: [&str; 10] =
    ["init", "close", "open", "status", "schedule", "cancel", "history", "explain", "lint", "completions"];

#[tokio::test]
async fn completions_are_scripts_that_their_shells_can_read() {
    let folder = tempfile::TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(maintctl(), &["completions", shell]).await;
        assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{shell}");
        for verb in VERBS {
            assert!(script.stdout.contains(verb), "{shell}: {verb}");
        }
        let file = folder.path().join(shell);
        std::fs::write(&file, &script.stdout).unwrap();
        // Not every machine has every shell.
        let is_there = |folder: std::path::PathBuf| folder.join(shell).is_file();
        if std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(is_there) {
            let read = run(shell, &["-n", file.to_str().unwrap()]).await;
            assert_eq!((read.code, read.stderr.as_str()), (0, ""), "{shell}");
        }
    }
    assert_eq!(run(maintctl(), &["completions", "nosuch"]).await.code, 2);
}

#[tokio::test]
async fn bash_completes_commands_and_flags() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("maintctl.bash");
    std::fs::write(&file, run(maintctl(), &["completions", "bash"]).await.stdout).unwrap();
    for (words, at, expected) in [
        ("maintctl clo", 1, "close\n"),
        ("maintctl st", 1, "status\n"),
        ("maintctl close --rea", 2, "--reason\n--read-only\n"),
    ] {
        let last = words.rsplit(' ').next().unwrap();
        let script = format!(
            "source {file:?}; COMP_WORDS=({words}); COMP_CWORD={at}; _maintctl maintctl {last:?} ''; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = run("bash", &["--norc", "-c", &script]).await;
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), (expected, ""), "{words}");
    }
}

#[tokio::test]
async fn the_help_of_every_command_has_examples() {
    for verb in VERBS {
        let help = run(maintctl(), &[verb, "--help"]).await;
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{verb}");
        assert!(help.stdout.contains(&format!("Examples:\n  maintctl {verb}")), "{verb}: {}", help.stdout);
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_changes_nothing_of_what_is_done() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, code, status) in [
        ("close shop", 0, 503),
        ("status", 0, 503),
        ("open shop --json", 0, 200),
        ("status --watch", 0, 200),
        ("lint maintctl.toml", 1, 200),
        ("close shop -- false", 1, 503),
        ("close shop -- true", 0, 200),
        ("history", 0, 200),
        ("completions bash", 0, 200),
    ] {
        let gone = || std::io::pipe().unwrap().1;
        let ran = desk.command(words).stdout(gone()).stderr(gone()).status();
        let ended = tokio::time::timeout(DEADLINE, ran).await.expect("an end in time").unwrap();
        assert_eq!((ended.code(), status_of(&envoy).await), (Some(code), status), "{words}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_an_error() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, status) in [
        ("close shop", 503),
        ("open shop --json", 200),
        ("status", 200),
        ("status --json", 200),
        ("status --watch", 200),
        ("history", 200),
        ("history --json", 200),
        ("completions bash", 200),
        ("init", 200),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = desk.command(words);
        let ran = command.stdout(full).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap().wait_with_output();
        let output = tokio::time::timeout(DEADLINE, ran).await.expect("an end in time").unwrap();
        assert_eq!((output.status.code(), status_of(&envoy).await), (Some(1), status), "{words}: {output:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("the answer cannot be written: No space left on device"), "{words}: {complaint}");
    }
}
