//! Changes that are tried first: `--dry-run` and `--interactive`.

use serde_json::json;

use super::terminal::at_terminals;
use super::{pushing, status_of, writing};
use crate::support::app::App;
use crate::support::signer::Signer;

#[tokio::test]
async fn a_dry_run_prints_the_documents_and_changes_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, answer, member) in [
        ("close shop --reason Upgrade --dry-run", "dry run: shop: OFFLINE\n", "\"reason\": \"Upgrade\""),
        ("close --all --dry-run", "dry run: api: OFFLINE\n", "\"mode\": \"offline\""),
        (
            "schedule shop --from 2099-01-01T02:00:00Z --for 1h --dry-run",
            "(w1)\n",
            "\"from\": \"2099-01-01T02:00:00Z\"",
        ),
    ] {
        let output = desk.run(words).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, "dry run: nothing changed\n"), "{words}: {output:?}");
        assert!(output.stdout.contains(answer) && output.stdout.contains(member), "{words}: {output:?}");
        assert_eq!((envoy.site("shop").await["revision"].clone(), status_of(&envoy).await), (json!(0), 200), "{words}");
    }
    assert_eq!(desk.run("close shop --reason Upgrade").await.code, 0);
    let before = envoy.site("shop").await;
    for words in ["open shop --dry-run --json", "cancel shop --all --dry-run --json"] {
        let answer = desk.json(words).await;
        assert_eq!(
            (&answer["dry_run"], &answer["sites"][0]["document"]["site"]),
            (&json!(true), &json!("shop")),
            "{words}"
        );
        assert_eq!(envoy.site("shop").await, before, "{words}");
    }
    let answer = desk.json("open shop --dry-run --json").await;
    assert_eq!(answer["sites"][0]["document"]["mode"], "online");
    let done = desk.json("open shop --json").await;
    assert_eq!((&done["dry_run"], &done["sites"][0]["document"]), (&json!(null), &json!(null)));
    let refused = desk.run("close nosuch --dry-run").await;
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
}

#[tokio::test]
async fn a_dry_run_of_a_file_target_writes_nothing() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let before = std::fs::read(envoy.ecds_file()).unwrap();
    let output = desk.run("close shop --dry-run").await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.starts_with("dry run: shop: OFFLINE\n{"), "{output:?}");
    assert_eq!((std::fs::read(envoy.ecds_file()).unwrap(), status_of(&envoy).await), (before, 200));
}

#[tokio::test]
async fn interactive_shows_the_change_and_asks_first() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, answer, code, shown, mode) in [
        ("close shop -i --for 9000h", "n\n", 1, "shop: OFFLINE, until", "online"),
        ("close --all --interactive", "\n", 1, "api: OFFLINE\nshop: OFFLINE\nMake this change? [y/N]", "online"),
        ("close shop -i", "y\n", 0, "shop: OFFLINE\nMake this change? [y/N]", "offline"),
        ("open shop -i", "n\n", 1, "shop: ONLINE\nMake this change? [y/N]", "offline"),
        ("open shop -i", "yes\n", 0, "shop: ONLINE\nMake this change? [y/N]", "online"),
    ] {
        let output = at_terminals(&desk, "0", words, answer).await;
        assert_eq!((output.code, output.stderr.contains(shown)), (code, true), "{words}: {output:?}");
        assert_eq!(output.stderr.contains("not confirmed; nothing changed"), code == 1, "{words}: {output:?}");
        assert_eq!(envoy.site("shop").await["mode"], mode, "{words}");
    }
    // A change of nothing needs no confirmation.
    let output = at_terminals(&desk, "0", "open shop -i", "").await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "shop: already ONLINE\n"), "{output:?}");
}
