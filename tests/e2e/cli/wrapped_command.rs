//! `close SITE -- COMMAND`: the site is closed while the command runs.

use serde_json::Value;

use super::{pushing, status_of};

#[tokio::test]
async fn the_command_runs_while_the_site_is_closed() {
    let (_app, envoy, desk, _) = pushing().await;
    let url = envoy.url("/");
    let code = "curl --silent --noproxy * --output /dev/null --write-out %{http_code}";
    let ran = desk.run(&format!("close shop -- {code} {url}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("503"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(desk.run("close shop -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 503);
    assert_eq!(desk.run("close shop --on-failure open -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn a_site_that_another_operator_has_closed_stays_closed_after_the_command() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop --by alice").await.code, 0);
    let ran = desk.run("close shop --by bob -- true").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("shop was closed before, by alice, so it stays closed"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let leased = desk.run("close shop --by bob --lease 2m --reason Mine -- true").await;
    assert_eq!(leased.code, 0, "{leased:?}");
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["until"], &site["reason"]), (&Value::Null, &Value::Null), "{site}");
    assert_eq!(desk.run("close shop --by alice -- true").await.code, 0);
    assert_eq!(status_of(&envoy).await, 200);
    // A site that another operator closes while the command runs stays closed, too.
    let meanwhile = format!("{} close shop --by carol --for 1h", crate::support::maintctl().display());
    let ran = desk.run(&format!("close shop --by bob --lease 2m -- {meanwhile}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("by carol meanwhile"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 503);
    let weaker = desk.run("open shop").await.code + desk.run("close shop --by carol --read-only").await.code;
    assert_eq!(weaker, 0);
    let refused = desk.run("close shop --by bob -- true").await;
    assert_eq!(refused.code, 4, "{refused:?}");
}
