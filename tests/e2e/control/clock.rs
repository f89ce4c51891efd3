//! Clocks: which documents are fresh, and how a site leaves the state of a document that was made with a wrong clock.

use serde_json::json;

use super::Scene;
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::envoy::{Envoy, Update};
use crate::support::preload::Ahead;
use crate::support::shop;
use crate::support::signer::{Signer, document, now_ms};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

#[tokio::test]
async fn a_document_made_a_day_ahead_can_be_replaced_after_the_clock_is_corrected() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = shop::policy(&ops);
    let ahead = Ahead::by(86_400);
    let envoy = Envoy::builder(app.address())
        .policy(&policy)
        .control(&shop::control(&ops))
        .watched_file()
        .environment(ahead.environment())
        .start()
        .await;
    let desk = Desk::pushing(&ops, &[&envoy.endpoint()]);
    let closed = desk.command("close shop").envs(ahead.environment()).output().await.unwrap();
    assert!(closed.status.success(), "{closed:?}");
    let first = envoy.site("shop").await["revision"].as_u64().unwrap();
    assert!(first > now_ms() + DAY - 10 * MINUTE, "{first}");

    ahead.end();
    for (command, status) in [("open shop", 200), ("close shop", 503)] {
        let output = desk.run(command).await;
        assert_eq!(output.code, 0, "{command}: {output:?}");
        assert_eq!(shop::get(&envoy, "/").await, status, "{command}");
    }
    assert_eq!(envoy.site("shop").await["revision"], first + 2);
    // A new plugin adopts the document too, although its revision is a day ahead.
    assert_eq!(envoy.set_plugin("renamed", &policy).await, Update::Taken);
    envoy.wait_for_workers("shop").await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
}

#[tokio::test]
async fn iat_must_be_fresh_and_a_revision_may_lead_the_clock_or_its_predecessor_by_ten_minutes() {
    let scene = Scene::new(|_| {}).await;
    let push = async |revision: u64, iat: Option<u64>| {
        let mut document = json!({ "site": "shop", "fleet": "test", "revision": revision, "mode": "offline" });
        if let Some(iat) = iat {
            document["iat"] = (iat / 1000).into();
        }
        let (status, answer) = scene.envoy.push("shop", &scene.ops.sign(&document)).await;
        (status, answer["code"].as_str().map(str::to_owned))
    };
    let now = now_ms();
    let (taken, too_old) = ((200, None), (401, Some("too_old".to_owned())));
    for (case, revision, iat, expected) in [
        ("an old revision, signed now", now - DAY, Some(now), taken.clone()),
        ("signed six minutes ago", now, Some(now - 6 * MINUTE), too_old.clone()),
        ("signed six minutes from now", now, Some(now + 6 * MINUTE), too_old.clone()),
        ("eleven minutes ahead of the clock and of the document before", now + 11 * MINUTE, Some(now), too_old.clone()),
        ("nine minutes ahead of the clock", now + 9 * MINUTE, Some(now), taken.clone()),
        ("nine minutes ahead of the document before", now + 18 * MINUTE, Some(now), taken.clone()),
        ("the same without iat", now + 19 * MINUTE, None, too_old.clone()),
        ("twelve minutes ahead of the document before", now + 30 * MINUTE, Some(now), too_old.clone()),
        ("an older revision", now + MINUTE, Some(now), (409, Some("stale_revision".to_owned()))),
    ] {
        assert_eq!(push(revision, iat).await, expected, "{case}");
    }
    for iat in [json!("now"), json!(-1), json!(0.5), json!([])] {
        let mut document = document("shop", "online");
        document["iat"] = iat.clone();
        let (status, answer) = scene.envoy.push("shop", &scene.ops.sign(&document)).await;
        assert_eq!((status, &answer["code"]), (400, &json!("malformed_document")), "{iat}: {answer}");
    }
}
