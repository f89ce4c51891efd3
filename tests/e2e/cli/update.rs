//! `update`: changes the details of a closed site, never its mode.

use super::{pushing, status_of};

#[tokio::test]
async fn update_changes_details_and_never_the_mode() {
    let (_app, envoy, desk, _) = pushing().await;
    let site = async || desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!(desk.run("close shop --read-only --reason First --until 2099-01-01T00:00:00Z").await.code, 0);
    let updated = desk.run("update shop --reason Second --until none --eta 20m --suspend staff --note n").await;
    assert_eq!(updated.code, 0, "{updated:?}");
    assert!(updated.stdout.starts_with("shop: READ_ONLY, until none (was 2099-01-01 00:00), eta "), "{updated:?}");
    assert!(updated.stdout.contains("reason \"Second\" (was \"First\")"), "{updated:?}");
    let after = site().await;
    assert_eq!((&after["mode"], &after["reason"]), (&"read_only".into(), &"Second".into()), "{after}");
    assert!(after["until"].is_null() && after["eta"].is_string(), "{after}");
    let same = desk.run("update shop --reason Second").await;
    assert_eq!((same.code, same.stdout.trim()), (0, "shop: already READ_ONLY"), "{same:?}");
    // The answer of a stricter mode begins with that change.
    let closed = desk.run("close shop").await;
    assert!(closed.stdout.starts_with("shop: OFFLINE (was READ_ONLY)"), "{closed:?}");
    assert_eq!(status_of(&envoy).await, 503);
}

#[tokio::test]
async fn update_of_an_online_site_is_an_error() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, code, text) in [
        ("update shop --reason x", 4, "shop is online, so there is nothing to update; nothing changed"),
        ("update shop", 2, "required arguments were not provided"),
        ("update shop --read-only", 2, "--read-only"),
        ("update nosuch --reason x", 1, "unknown site \"nosuch\""),
    ] {
        let failed = desk.run(words).await;
        assert_eq!(failed.code, code, "{words}: {failed:?}");
        assert!(failed.stderr.contains(text), "{words}: {failed:?}");
    }
    // None of several sites is changed.
    assert_eq!(desk.run("close api").await.code, 0);
    let revision = envoy.site("api").await["revision"].clone();
    assert_eq!(desk.run("update api shop --reason x").await.code, 4);
    assert_eq!(envoy.site("api").await["revision"], revision);
}

#[tokio::test]
async fn update_changes_the_reason_of_a_hold_and_not_its_end() {
    let (_app, _envoy, desk, _) = pushing().await;
    let maintctl = crate::support::maintctl().display();
    let ran = desk.run(&format!("close shop --by ci -- {maintctl} update shop --reason Longer")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("reason \"Longer\" (was none)"), "{ran:?}");
    assert_eq!(desk.json("history shop --json").await[0]["reason"], "Longer");
    let ran = desk.run(&format!("close shop --by ci --on-failure open -- {maintctl} update shop --for 1h")).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("its end cannot be changed; nothing changed"), "{ran:?}");
}
