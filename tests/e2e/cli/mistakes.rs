//! Mistakes of operators: each message says what is wrong and what to do next, and nothing changes.

use futures::StreamExt;
use serde_json::json;

use super::{control, policy};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::tls::Tls;

mod flags;
mod sites;
mod targets;
mod times;
mod verbs;

/// A command, its exit code, and parts of its output: the mistake, and the next step.
type Mistake = (&'static str, i32, &'static [&'static str]);

/// The number of commands that run at once.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn every_mistake_gets_a_message_that_says_what_is_wrong_and_what_to_do_next() {
    let mistakes: Vec<&Mistake> =
        [verbs::ROWS, sites::ROWS, times::ROWS, flags::ROWS, targets::ROWS].into_iter().flatten().collect();
    assert!(mistakes.len() >= 80, "{}", mistakes.len());
    let (app, signer, tls) = (App::start(), Signer::generate(), Tls::new());
    let envoy = Envoy::builder(app.address())
        .policy(&policy(&signer))
        .control(&control(&signer))
        .tls(tls.downstream())
        .start()
        .await;
    envoy.wait_for_workers("shop").await;
    let desk = targets::desk(&signer, &envoy, app.address(), &tls);
    let check = async |mistake: &Mistake| {
        let (line, code, parts) = mistake;
        let output = run(&desk, line).await;
        let text = format!("{}{}", output.stdout, output.stderr);
        let is_told = output.code == *code && parts.iter().all(|part| text.contains(part));
        let is_clean = !text.contains("panicked") && !text.contains('\u{1b}');
        (!is_told || !is_clean).then(|| format!("{line}\n  expected {code} {parts:?}\n  got {} {text}", output.code))
    };
    let failures: Vec<String> =
        futures::stream::iter(mistakes).map(check).buffered(AT_ONCE).filter_map(|it| async { it }).collect().await;
    assert!(failures.is_empty(), "{} mistakes:\n{}", failures.len(), failures.join("\n"));
    for site in ["shop", "api"] {
        assert_eq!(envoy.site(site).await["revision"], json!(0), "{site}");
    }
}

/// Runs maintctl with the words of a line. Quotes join words, and the line may begin with a variable.
async fn run(desk: &Desk, line: &str) -> Output {
    let (mut words, mut word, mut is_quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    for character in line.chars() {
        match character {
            '\'' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                words.extend(std::mem::take(&mut is_word).then(|| std::mem::take(&mut word)));
            }
            character => {
                word.push(character);
                is_word = true;
            }
        }
    }
    words.extend(is_word.then_some(word));
    let mut command = desk.command("");
    let variable = words.first().and_then(|word| word.split_once('=')).filter(|(name, _)| *name == name.to_uppercase());
    if let Some((name, value)) = variable {
        command.env(name, value);
        command.args(&words[1..]);
    } else {
        command.args(&words);
    }
    command.kill_on_drop(true).output().await.unwrap().into()
}
