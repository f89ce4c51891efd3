//! `--json`: every command prints one JSON value.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::pushing;
use crate::support::DEADLINE;
use crate::support::desk::Desk;
use crate::support::signer::Signer;

/// The names of the members of an object, sorted.
fn members(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    object.keys().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

#[tokio::test]
async fn close_schedule_cancel_and_open_print_one_json_value() {
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
async fn an_incomplete_change_prints_one_json_value() {
    let (_app, envoy, desk, _) = pushing().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    desk.target(&format!("envoys = [{:?}, \"http://{unused}/.maintenance\"]", envoy.endpoint()));
    let output = desk.run("close shop --timeout 2s --json").await;
    assert_eq!(output.code, 3, "{output:?}");
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    let envoys = &answer["envoys"];
    assert_eq!((&envoys["total"], &envoys["followed"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(members(&envoys["lagging"][0]), ["envoy", "why"], "{answer}");
    assert!(envoys["lagging"][0]["envoy"].as_str().unwrap().contains(&unused.to_string()), "{answer}");
}

#[tokio::test]
async fn history_prints_one_json_value() {
    let (_app, _envoy, desk, _) = pushing().await;
    assert_eq!(desk.json("history --json").await, json!([]));
    for words in ["close shop --reason Upgrade", "open shop", "close api --read-only", "open api"] {
        assert_eq!(desk.run(words).await.code, 0);
    }
    let history = desk.json("history --json").await;
    assert_eq!(members(&history[0]), ["by", "from", "mode", "reason", "site", "until"]);
    let entry = |number: usize| ["site", "mode", "reason", "by"].map(|name| history[number][name].clone());
    assert_eq!(entry(0), [json!("api"), json!("read_only"), Value::Null, json!("ops@example.com")]);
    assert_eq!(entry(1), [json!("shop"), json!("offline"), json!("Upgrade"), json!("ops@example.com")]);
    assert_eq!(desk.json("history api --json").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lint_prints_one_json_value() {
    let desk = Desk::new(&Signer::generate(), "");
    desk.write("good.yaml", "sites: [{ name: shop }]");
    assert_eq!(desk.json("lint good.yaml --json").await, json!([]));
    desk.write("bad.yaml", "sits: []");
    desk.write("odd.yaml", "sites: [{ name: a }, { name: b, hosts: [b] }]");
    let output = desk.run("lint bad.yaml good.yaml odd.yaml none.yaml --json").await;
    assert_eq!((output.code, output.stderr.as_str()), (1, ""), "{output:?}");
    let findings: Value = serde_json::from_str(&output.stdout).unwrap();
    for finding in findings.as_array().unwrap() {
        assert_eq!(members(finding), ["code", "column", "file", "level", "line", "path", "text"], "{finding}");
    }
    let levels: Vec<_> = findings.as_array().unwrap().iter().map(|finding| &finding["level"]).collect();
    assert_eq!(levels, ["error", "note", "error"], "{findings}");
    let expected = json!({
        "file": "bad.yaml", "line": 1, "column": 1, "level": "error", "code": "policy-rejected", "path": "sits",
        "text": "unknown field; did you mean \"sites\"?",
    });
    assert_eq!(findings[0], expected);
    assert_eq!(findings.as_array().unwrap().last().unwrap()["file"], "none.yaml");
}

#[tokio::test]
async fn watch_prints_one_json_value_per_line() {
    let (_app, _envoy, desk, _) = pushing().await;
    let mut command = desk.command("status shop --watch --json");
    let mut watch = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until = async |mode: &str| loop {
        let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a line within the time limit");
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
async fn status_prints_one_json_value() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop --reason Upgrade --note ticket --suspend staff").await.code, 0);
    let answer = desk.json("status --json").await;
    assert_eq!(members(&answer), ["envoys", "missing", "remarks", "sites", "target"], "{answer}");
    assert_eq!(
        members(&answer["envoys"][0]),
        ["address", "envoy", "plugin_conflicts", "started", "time", "version"],
        "{answer}"
    );
    assert_eq!(answer["envoys"][0]["address"], envoy.endpoint());
    let sites = answer["sites"].as_array().unwrap();
    assert_eq!(sites.iter().map(|site| &site["site"]).collect::<Vec<_>>(), [&json!("api"), &json!("shop")]);
    let shop = &sites[1];
    for name in ["since", "until", "eta", "windows", "past", "channel", "revision", "digest", "refused", "bypassed"] {
        assert!(shop.get(name).is_some(), "{name}: {shop}");
    }
    let values = ["mode", "reason", "note", "by", "suspend", "declared"].map(|name| shop[name].clone());
    let expected = json!(["offline", "Upgrade", "ticket", "ops@example.com", ["staff"], false]);
    assert_eq!(json!(values), expected, "{shop}");
    let document = ["site", "mode", "reason", "fleet"].map(|name| shop["document"][name].clone());
    assert_eq!(json!(document), json!(["shop", "offline", "Upgrade", "test"]), "{shop}");
    assert_eq!(shop["workers"], json!({ "members": 2, "adopted": 2 }));
    assert_eq!(shop["envoys"], json!({ "total": 1, "followed": 1, "lagging": [] }));
}

#[tokio::test]
async fn lint_prints_text_json_or_sarif() {
    let desk = Desk::new(&Signer::generate(), "");
    desk.write("bad.yaml", "fleet: prod-eu\nsits: []");
    let text = desk.run("lint bad.yaml").await;
    let expected = "bad.yaml:2:1: error: sits: unknown field; did you mean \"sites\"? [policy-rejected]\n";
    assert_eq!((text.code, text.stdout.as_str()), (1, expected), "{text:?}");
    assert_eq!(text.stderr, "1 error, 0 warnings, 0 notes in 1 file\n");
    let json = desk.run("lint bad.yaml --format json").await;
    assert_eq!(json.stdout, desk.run("lint bad.yaml --json").await.stdout);
    let sarif = desk.run("lint bad.yaml --format sarif").await;
    assert_eq!((sarif.code, sarif.stderr.as_str()), (1, ""), "{sarif:?}");
    let log: Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "policy-rejected", "{log}");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 2, "{log}");
    for words in ["lint", "lint bad.yaml --json --format sarif", "lint bad.yaml --codes", "lint bad.yaml --format xml"]
    {
        assert_eq!(desk.run(words).await.code, 2, "{words}");
    }
    let codes = desk.run("lint --codes").await;
    assert!(codes.code == 0 && codes.stdout.contains("regex-open-end"), "{codes:?}");
}
