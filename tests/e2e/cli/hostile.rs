//! Hostile input of maintctl: control characters in documents, files and responses, and endless responses.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{FLEET, policy, pushing, status_of};
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::eventually;
use crate::support::shop::push;
use crate::support::signer::{Signer, document};

/// An unterminated window title, a one-byte clear screen, a line break, a colour, and right-to-left text.
const HOSTILE: &str =
    "a\u{1b}]0;b\u{9b}2Jc\nforged: line\td\u{1b}[31me\u{202e}f\u{2066}g\u{7f}h\u{2028}i\u{feff}j\u{0}k\rl\u{200f}";

/// True if maintctl must not print a character, neither to a terminal nor to a pipe.
fn is_control(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn assert_harmless(words: &str, output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(is_control), "{words}: {output:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("forged")), "{words}: {output:?}");
    }
}

/// A document with hostile text in every field.
fn hostile_document(site: &str) -> Value {
    let mut hostile = document(site, "offline");
    hostile["fleet"] = FLEET.into();
    for name in ["reason", "note", "by"] {
        hostile[name] = HOSTILE.into();
    }
    hostile["suspend"] = json!([HOSTILE]);
    hostile["windows"] = json!([{
        "id": HOSTILE, "mode": "offline", "from": "2099-01-01T00:00:00Z", "reason": HOSTILE, "suspend": [HOSTILE],
    }]);
    hostile["past"] = json!([{
        "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z", "reason": HOSTILE, "by": HOSTILE,
    }]);
    hostile[HOSTILE] = HOSTILE.into();
    hostile
}

#[tokio::test]
async fn no_command_prints_control_characters_of_a_document() {
    let (_app, envoy, desk, signer) = pushing().await;
    push(&envoy, &signer, &hostile_document("shop")).await;
    push(&envoy, &signer, &hostile_document("api")).await;
    let status = desk.run("status").await;
    assert_harmless("status", &status);
    // Both sites are visible, and control characters appear as escapes.
    for part in ["\nshop", "\napi", "a\\u001b]0;b\\u009b2Jc\\u000aforged: line\\u0009d"] {
        assert!(status.stdout.contains(part), "{part}: {status:?}");
    }
    for words in [
        "history",
        "history shop",
        "status --exit-code",
        "close shop --by ops",
        "close shop --eta 2099-01-01T00:00:00Z",
        "close shop --suspend none",
        "close shop --suspend nothing",
        "close shop --read-only -- true",
        "schedule shop --from 2099-02-01T00:00:00Z --for 1h",
        "cancel shop nothing",
        "close shop --reason Plain --note Plain",
        "cancel shop --all",
        "open shop",
    ] {
        assert_harmless(words, &desk.run(words).await);
    }
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn json_output_has_the_text_of_a_document_without_control_characters() {
    let (_app, envoy, desk, signer) = pushing().await;
    push(&envoy, &signer, &hostile_document("shop")).await;
    let output = desk.run("status shop --json").await;
    assert_harmless("status --json", &output);
    let site = &serde_json::from_str::<Value>(&output.stdout).unwrap()["sites"][0];
    for value in [&site["reason"], &site["note"], &site["by"], &site["suspend"][0], &site["windows"][0]["id"]] {
        assert_eq!(value, HOSTILE, "{site}");
    }
    let output = desk.run("history --json").await;
    assert_harmless("history --json", &output);
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap()[0]["by"], HOSTILE);
    // Only the output is escaped: a document that is signed again keeps its text.
    let output = desk.run("close shop --eta none --json").await;
    assert_harmless("close --json", &output);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(desk.json("status shop --json").await["sites"][0]["note"], HOSTILE);
}

#[tokio::test]
async fn watch_prints_no_control_characters() {
    let (_app, envoy, desk, signer) = pushing().await;
    push(&envoy, &signer, &hostile_document("shop")).await;
    let file = desk.path().join("watched");
    let mut command = desk.command("status --watch");
    let mut watch = command.stdout(std::fs::File::create(&file).unwrap()).kill_on_drop(true).spawn().unwrap();
    let text = eventually("both sites are in the output", async || {
        let text = std::fs::read_to_string(&file).unwrap();
        (text.contains(" shop: OFFLINE") && text.contains(" api: ONLINE")).then_some(text)
    })
    .await;
    watch.kill().await.unwrap();
    assert!(!text.contains(is_control), "{text:?}");
}

#[tokio::test]
async fn no_command_prints_control_characters_of_a_file() {
    let signer = Signer::generate();
    let desk = Desk::new(&signer, "file = \"ecds.json\"\npolicy = \"policy.yaml\"");
    let good = policy(&signer);
    let with = |pointer: &str, value: Value| {
        let mut policy = good.clone();
        *policy.pointer_mut(pointer).unwrap() = value;
        policy
    };
    let mut declared = good.clone();
    declared["state"] = json!({ "shop": { "mode": "offline", "reason": HOSTILE, "by": HOSTILE } });
    let mut unknown = good.clone();
    unknown[HOSTILE] = HOSTILE.into();
    let state = |mode: &str, reason: &str| {
        json!({ "site": "shop", "fleet": FLEET, "revision": 1, "mode": mode, "reason": reason, HOSTILE: 1 }).to_string()
    };
    for (policy, state) in [
        (good.to_string(), state("offline", HOSTILE)),
        (good.to_string(), state(HOSTILE, HOSTILE)),
        (good.to_string(), HOSTILE.to_owned()),
        (declared.to_string(), state("online", HOSTILE)),
        (unknown.to_string(), String::new()),
        (with("/sites/0/name", HOSTILE.into()).to_string(), String::new()),
        (with("/sites/0/exempt/0/headers/0/name", HOSTILE.into()).to_string(), String::new()),
        (with("/fleet", HOSTILE.into()).to_string(), String::new()),
        (HOSTILE.to_owned(), String::new()),
    ] {
        desk.write("policy.yaml", &policy);
        desk.write("state.json", &state);
        for words in [
            "explain --policy policy.yaml --state state.json http://shop.example.com/",
            "explain --policy policy.yaml --state state.json --json http://shop.example.com/",
            "explain --policy policy.yaml http://shop.example.com/",
            "lint policy.yaml",
            "lint --json policy.yaml",
            "status",
            "close shop --wait=false",
        ] {
            let output = desk.run(words).await;
            assert_harmless(words, &output);
            assert!(output.code == 0 || !(output.stderr + &output.stdout).is_empty(), "{words}");
        }
    }
}

/// The URL of an endpoint that answers every request with these bytes.
async fn endpoint(answer: impl Into<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/.maintenance", listener.local_addr().unwrap());
    let answer = Arc::new(answer.into());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(respond(client, Arc::clone(&answer)));
        }
    });
    url
}

async fn respond(client: TcpStream, answer: Arc<Vec<u8>>) {
    let (requests, mut responses) = client.into_split();
    let mut lines = BufReader::new(requests).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() && responses.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn no_command_prints_control_characters_of_an_endpoint() {
    let signer = Signer::generate();
    let site = json!({
        "site": "shop", "mode": HOSTILE, "channel": HOSTILE, "revision": 1, "digest": HOSTILE, "signed_by": format!("{HOSTILE} key"),
        "workers": { "members": 1, "adopted": 1 }, "bypassed": { HOSTILE: 3 }, "suspend_unknown": [HOSTILE],
        "document": { "site": "shop", "fleet": HOSTILE, "revision": 1, "mode": HOSTILE },
    });
    let status =
        |site: Value| json!({ "envoy": HOSTILE, "version": HOSTILE, "time": HOSTILE, "sites": [site] }).to_string();
    let mut named = site.clone();
    named["site"] = HOSTILE.into();
    let mut declared = site.clone();
    declared["declared"] = true.into();
    let refusal = json!({ "code": HOSTILE, "detail": HOSTILE }).to_string();
    for answer in [
        http("200 OK", &status(site)),
        http("200 OK", &status(named)),
        http("200 OK", &status(declared)),
        http("401 Unauthorized", &refusal),
        http("401 Unauthorized", &refusal.replacen("\"code\":\"", "\"code\":\"unknown_key", 1)),
        http("200 OK", &json!({ "envoy": { HOSTILE: 1 }, "sites": HOSTILE }).to_string()),
        http("200 OK", HOSTILE),
        format!("HTTP/1.1 500 {HOSTILE}\r\n\r\n"),
        HOSTILE.repeat(9),
    ] {
        let url = endpoint(answer.clone()).await;
        let desk = Desk::pushing(&signer, &[&url]);
        for words in ["status", "close shop --timeout 300ms", "history", "open --timeout 300ms"] {
            let output = desk.run(words).await;
            assert_harmless(words, &output);
            if words.contains("--timeout") {
                assert_ne!(output.code, 0, "{words}: {answer:?} {output:?}");
            }
        }
        let output = desk.run("status --json").await;
        assert_harmless("status --json", &output);
        serde_json::from_str::<Value>(&output.stdout).unwrap();
    }
}

#[tokio::test]
async fn reading_a_response_stops_at_64_mib() {
    let signer = Signer::generate();
    let long = vec![b' '; 80 << 20];
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("long"), &long).unwrap();
    let zipped = tokio::process::Command::new("gzip").args(["-c", "long"]).current_dir(folder.path()).output().await;
    let zipped = zipped.unwrap().stdout;
    for (encoding, body) in [("identity", long), ("gzip", zipped)] {
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n");
        let url = endpoint([head.into_bytes(), body].concat()).await;
        let output = Desk::pushing(&signer, &[&url]).run("status").await;
        assert_eq!(output.code, 3, "{encoding}: {output:?}");
        assert!(output.stderr.contains("its response is longer than 64 MiB"), "{encoding}: {output:?}");
    }
}
