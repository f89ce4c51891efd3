//! `hash` and `preview`.

use std::process::Stdio;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{control, policy, pushing};
use crate::support::app::App;
use crate::support::client::{self, Output};
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{DEADLINE, eventually, maintctl};

/// Runs `maintctl hash` with this input.
async fn hash(desk: &Desk, input: &str) -> Output {
    let mut command = desk.command("hash");
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    process.wait_with_output().await.unwrap().into()
}

#[tokio::test]
async fn a_rule_with_the_printed_hash_matches_the_secret() {
    let (app, signer) = (App::start(), Signer::generate());
    let desk = Desk::new(&signer, "");
    let secret = "a long and random secret";
    let printed = hash(&desk, &format!("{secret}\n")).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{printed:?}");
    let value: serde_json::Value = serde_saphyr::from_str(&printed.stdout).unwrap();
    let mut policy = policy(&signer);
    policy["sites"][0]["exempt"][0]["headers"][0]["value"] = value;
    policy["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = Envoy::builder(app.address()).policy(&policy).control(&control(&signer)).start().await;
    for (sent, status) in [(secret, 200), ("another secret", 503)] {
        let response = client::h1().get(envoy.url("/")).header("x-staff", sent).send().await.unwrap();
        assert_eq!(response.status(), status, "{sent}");
    }
    for (input, code, told) in [
        ("short\n", 0, "fewer than 16 characters"),
        ("", 2, "the secret is empty"),
        ("two\nlines\n", 2, "several lines"),
        (" 0123456789abcdef", 0, "begins or ends with a space"),
    ] {
        let output = hash(&desk, input).await;
        assert_eq!((output.code, output.stderr.contains(told)), (code, true), "{input:?}: {output:?}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{input:?}: {output:?}");
    }
}

#[tokio::test]
async fn preview_serves_the_reply_of_envoy() {
    let (_app, envoy, desk, signer) = pushing().await;
    desk.write("policy.yaml", &policy(&signer).to_string());
    assert_eq!(desk.run("close shop --reason Upgrade --eta 2099-01-01T00:00:00Z").await.code, 0);
    let words = "preview --policy policy.yaml shop --reason Upgrade --eta 2099-01-01T00:00:00Z --no-browser";
    let mut preview = desk.command(words).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(preview.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line())
        .await
        .expect("an address within the time limit")
        .unwrap()
        .unwrap();
    let url = line.strip_prefix("shop: ").unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    for (method, accept) in [
        (Method::GET, "text/html"),
        (Method::HEAD, "text/html"),
        (Method::GET, "application/json"),
        (Method::POST, "text/plain"),
        (Method::GET, "image/png"),
    ] {
        let reply = async |url: String| {
            let sent = client::h1().request(method.clone(), url).header("host", "shop.example.com");
            let response = sent.header("accept", accept).send().await.unwrap();
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            let headers =
                ["content-type", "x-maintenance-mode", "cache-control", "content-security-policy", "vary"].map(header);
            (response.status(), headers, response.text().await.unwrap())
        };
        let (shown, real) = (reply(format!("{url}checkout")).await, reply(envoy.url("/checkout")).await);
        // The times at which the sites were closed differ.
        assert_eq!((shown.0, &shown.1), (real.0, &real.1), "{method} {accept}");
        assert_eq!(shown.2.contains("Upgrade"), real.2.contains("Upgrade"), "{method} {accept}");
    }
    // An edit of the policy shows after a reload.
    let mut edited = policy(&signer);
    edited["reply"] = json!({ "html": "<p>{{reason}} is edited</p>" });
    desk.write("policy.yaml", &edited.to_string());
    let page = client::h1().get(url).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert_eq!(page, "<p>Upgrade is edited</p>");
    let written = desk.run("preview --policy policy.yaml shop --reason Move --out page.html").await;
    assert_eq!((written.code, written.stderr.as_str()), (0, "created page.html\n"), "{written:?}");
    assert_eq!(std::fs::read_to_string(desk.path().join("page.html")).unwrap(), "<p>Move is edited</p>");
}

#[tokio::test]
async fn preview_opens_the_browser() {
    let desk = Desk::new(&Signer::generate(), "");
    desk.write("policy.yaml", "sites: [{ name: shop }]");
    // The system's opener starts the browser that the user has chosen.
    desk.write("xdg-open", "#!/bin/sh\necho \"$1\" > opened\n");
    std::fs::set_permissions(desk.path().join("xdg-open"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let path = format!("{}:{}", desk.path().display(), std::env::var("PATH").unwrap());
    let mut command = desk.command("preview --policy policy.yaml shop");
    let _preview = command.env("PATH", path).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let opened = desk.path().join("opened");
    let url = eventually("the browser opens", async || {
        std::fs::read_to_string(&opened).ok().filter(|url| url.ends_with('\n'))
    })
    .await;
    let page = client::h1().get(url.trim()).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 503);
}

#[tokio::test]
async fn hash_asks_twice_on_a_terminal_and_does_not_echo_the_secret() {
    let desk = Desk::new(&Signer::generate(), "");
    for (typed, code, told) in [
        ("a long and random secret\na long and random secret\n", 0, "{ sha256: \""),
        ("a long and random secret\nanother long secret\n", 1, "the two secrets differ; run `maintctl hash` again"),
    ] {
        // `script` of util-linux runs a command in a terminal of its own.
        let mut script = tokio::process::Command::new("script");
        script
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{} hash", maintctl().display()))
            .arg("/dev/null");
        script.current_dir(desk.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = script.spawn().unwrap();
        let mut shown = BufReader::new(process.stdout.take().unwrap());
        let mut keyboard = process.stdin.take().unwrap();
        let (mut text, mut lines) = (Vec::new(), typed.split_inclusive('\n'));
        // Each line is typed after its prompt, when the terminal has stopped its echo.
        for prompt in [b"Secret: ".as_slice(), b"The same again: "] {
            let asked = async {
                while !text.ends_with(prompt) {
                    text.push(shown.read_u8().await.unwrap());
                }
            };
            tokio::time::timeout(DEADLINE, asked).await.expect("a prompt within the time limit");
            keyboard.write_all(lines.next().unwrap().as_bytes()).await.unwrap();
        }
        shown.read_to_end(&mut text).await.unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!((process.wait().await.unwrap().code(), text.contains(told)), (Some(code), true), "{text}");
        assert!(!text.contains("long"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_that_is_typed_between_the_prompts_is_not_echoed() {
    let desk = Desk::new(&Signer::generate(), "");
    let mut script = tokio::process::Command::new("script");
    // The keyboard types when the first prompt is visible, and does not wait for the second.
    script.args(["--quiet", "--return", "--command"]).arg(format!("{} hash", maintctl().display())).arg("/dev/null");
    script.current_dir(desk.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = script.spawn().unwrap();
    let (mut shown, mut keyboard) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
    let mut first = [0; 8];
    tokio::time::timeout(DEADLINE, shown.read_exact(&mut first))
        .await
        .expect("a prompt within the time limit")
        .unwrap();
    keyboard.write_all("a long and random secret\na long and random secret\n".as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(DEADLINE, shown.read_to_string(&mut text))
        .await
        .expect("an end within the time limit")
        .unwrap();
    assert!(!text.contains("long") && text.contains("{ sha256: \""), "{text}");
}
