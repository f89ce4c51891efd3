//! Terminals, pipes and colours.

use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{pushing, status_of};
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::{DEADLINE, eventually, preload};

/// Runs maintctl with these file descriptors as terminals, and types `answer`.
pub async fn at_terminals(desk: &Desk, terminals: &str, words: &str, answer: &str) -> Output {
    let library = preload::library(desk.path());
    let mut command = desk.command(words);
    command.env("LD_PRELOAD", library).env("TERMINALS", terminals).env("TERM", "xterm").env_remove("NO_COLOR");
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut keyboard = process.stdin.take().unwrap();
    // maintctl may have exited without a question.
    let _ = keyboard.write_all(answer.as_bytes()).await;
    drop(keyboard);
    let output = tokio::time::timeout(DEADLINE, process.wait_with_output())
        .await
        .expect("maintctl exits within the time limit")
        .unwrap();
    output.into()
}

#[tokio::test]
async fn close_all_asks_for_confirmation_on_a_terminal_only() {
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
    // On a pipe, maintctl asks no question and does not wait for input.
    let output = at_terminals(&desk, "12", "open --all", "y\n").await;
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{output:?}");
    assert!(output.stderr.contains("--yes") && !output.stderr.contains("[y/N]"), "{output:?}");
    let mut waiting = desk.command("open --all");
    let mut waiting = waiting.stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let _silent = waiting.stdin.take();
    let ended = tokio::time::timeout(DEADLINE, waiting.wait()).await.expect("maintctl exits within the time limit");
    assert_eq!(ended.unwrap().code(), Some(2));
    assert_eq!(envoy.site("shop").await["mode"], "offline");
}

#[tokio::test]
async fn the_time_of_a_question_counts_neither_for_timeout_nor_for_for() {
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
    // Longer than `--timeout`.
    eventually("the operator answers late", async || (asked.elapsed() > Duration::from_secs(7)).then_some(())).await;
    let answered = Timestamp::now();
    process.stdin.take().unwrap().write_all(b"y\n").await.unwrap();
    let output = tokio::time::timeout(DEADLINE, process.wait_with_output())
        .await
        .expect("maintctl exits within the time limit")
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let until: Timestamp = answer["sites"][0]["until"].as_str().unwrap().parse().unwrap();
    assert!(until > answered + Duration::from_secs(3599), "{until} {answered}");
}

#[tokio::test]
async fn output_has_colours_on_terminals_only() {
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
async fn status_fits_the_terminal_and_has_colours_there() {
    let (_app, envoy, desk, _) = pushing().await;
    let reason = "Upgrade_of_the_database,_which_takes_longer_than_the_width_of_a_terminal";
    assert_eq!(desk.run(&format!("close shop --reason {reason} --until 2099-01-01T03:00:00Z")).await.code, 0);
    for _ in 0..3 {
        assert_eq!(status_of(&envoy).await, 503);
    }
    let library = preload::library(desk.path());
    let status = async |terminals: &str, variables: &[(&str, &str)]| {
        let mut command = desk.command("status");
        command.env("LD_PRELOAD", &library).env("TERMINALS", terminals).env("TERM", "xterm").env_remove("NO_COLOR");
        command.env("TZ", "Europe/Berlin").envs(variables.iter().copied());
        String::from_utf8(command.output().await.unwrap().stdout).unwrap()
    };
    let piped = status("", &[("COLUMNS", "60")]).await;
    assert!(piped.lines().any(|line| line.len() > 150), "{piped}");
    let words: Vec<&str> = piped.lines().flat_map(str::split_whitespace).collect();
    for word in
        ["BY", "ops@example.com", "REFUSED", "3", "OFFLINE", reason, "Europe/Berlin", "(CET,", "UTC+01:00)", "04:00"]
    {
        assert!(words.contains(&word), "{word}: {piped}");
    }
    for width in [60, 80, 100] {
        let text = status("1", &[("COLUMNS", &width.to_string()), ("NO_COLOR", "1")]).await;
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        assert!(text.contains("OFFLINE") && !text.contains('\u{1b}'), "{text}");
    }
    let coloured = status("1", &[("COLUMNS", "200")]).await;
    assert!(coloured.contains("\u{1b}[38;5;9mOFFLINE\u{1b}["), "{coloured:?}");
    assert!(!status("", &[("COLUMNS", "200")]).await.contains('\u{1b}'));
}

#[tokio::test]
async fn a_closed_pipe_does_not_change_the_effect_or_the_exit_code() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, code, status) in [
        ("close shop", 0, 503),
        ("status", 0, 503),
        ("open shop --json", 0, 200),
        ("status --watch", 0, 200),
        ("lint maintctl.toml", 1, 200),
        ("close shop -- true", 0, 200),
        ("close shop -- false", 1, 503),
        ("open shop", 0, 200),
        ("history", 0, 200),
        ("completions bash", 0, 200),
    ] {
        let closed = || std::io::pipe().unwrap().1;
        let ran = desk.command(words).stdout(closed()).stderr(closed()).status();
        let ended = tokio::time::timeout(DEADLINE, ran).await.expect("maintctl exits within the time limit").unwrap();
        assert_eq!((ended.code(), status_of(&envoy).await), (Some(code), status), "{words}");
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_is_an_error() {
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
        let output = tokio::time::timeout(DEADLINE, ran).await.expect("maintctl exits within the time limit").unwrap();
        assert_eq!((output.status.code(), status_of(&envoy).await), (Some(1), status), "{words}: {output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("the answer cannot be written: No space left on device"), "{words}: {error}");
    }
}
