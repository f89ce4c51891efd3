//! `open SITE -- COMMAND`: the site is open while the command runs, and then as before.

use serde_json::{Value, json};

use super::running::RunningMaintctl;
use super::{pushing, status_of, writing};
use crate::support::app::App;
use crate::support::maintctl;
use crate::support::signer::Signer;
use rustix::process::Signal;

/// Prints the status of a request.
const CURL: &str = "curl --silent --noproxy * --output /dev/null --write-out %{http_code}";

#[tokio::test]
async fn the_previous_state_is_restored_after_the_command() {
    let (_app, envoy, desk, _) = pushing().await;
    let close = "close shop --by alice --read-only --until 2099-01-01T00:00:00Z --eta 2098-01-01T00:00:00Z --reason Upgrade \
                 --note ticket --suspend staff";
    assert_eq!(desk.run(close).await.code, 0);
    let state = async || {
        let site = desk.json("status shop --json").await["sites"][0].clone();
        ["mode", "until", "eta", "reason", "by", "suspend", "note"].map(|name| site[name].clone())
    };
    let before = state().await;
    assert_eq!(before[0], "read_only");
    for (command, code) in [(format!("{CURL} -X POST {}", envoy.url("/")), 0), ("false".to_owned(), 1)] {
        let ran = desk.run(&format!("open shop -- {command}")).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(ran.stdout, if code == 0 { "200" } else { "" }, "{ran:?}");
        assert!(ran.stderr.contains("shop: ONLINE") && ran.stderr.contains("(restored)"), "{ran:?}");
        assert_eq!(state().await, before);
    }
    // A signal is passed to the command, and the site is restored.
    let words = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
    let mut running = RunningMaintctl::start(desk.command("open shop --").args(["sh", "-c", words]));
    assert_eq!(running.line().await, "ready");
    running.signal(Signal::TERM);
    assert_eq!(running.end().await.0, Some(7));
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn a_site_that_is_open_or_that_another_operator_has_changed_is_left_as_it_is() {
    let (_app, envoy, desk, _) = pushing().await;
    let ran = desk.run(&format!("open shop -- {CURL} {}", envoy.url("/"))).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "200"), "{ran:?}");
    assert!(ran.stderr.contains("shop: already ONLINE"), "{ran:?}");
    assert_eq!(envoy.site("shop").await["revision"], 0);
    assert_eq!(desk.run("close shop --reason First").await.code, 0);
    let meanwhile = format!("{} close shop --by carol --reason Second", maintctl().display());
    let ran = desk.run(&format!("open shop -- {meanwhile}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("not restored: changed meanwhile, by carol"), "{ran:?}");
    assert_eq!(desk.json("status shop --json").await["sites"][0]["reason"], "Second");
}

#[tokio::test]
async fn windows_and_a_site_of_a_file_are_restored() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    assert_eq!(desk.run("schedule shop --from 2099-01-01T00:00:00Z --stay").await.code, 0);
    let windows = async || desk.json("status shop --json").await["sites"][0]["windows"].clone();
    let planned = windows().await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let ran = desk.run(&format!("open shop -- {CURL} {}", envoy.url("/"))).await;
    assert_eq!((ran.code, ran.stdout.as_str(), status_of(&envoy).await), (0, "200", 503), "{ran:?}");
    assert_eq!(windows().await, planned);
    assert_ne!(planned, json!([]));
    assert!(matches!(planned, Value::Array(_)));
}
