//! Times and windows.

use serde_json::json;

use super::{pushing, status_of};

#[tokio::test]
async fn invalid_times_are_usage_errors_that_change_nothing() {
    let (_app, envoy, desk, _) = pushing().await;
    for words in [
        "close shop --until 2001-01-01T00:00:00Z",
        "close shop --until tomorrow",
        "close shop --for 15",
        "close shop --for 9999999999h",
        "close shop --lease 9999999999h -- true",
        "close shop --eta 2001-01-01T00:00:00Z",
        "close shop --eta 15",
        "close shop --for 1h --until 03:00",
        "schedule shop --from 2099-01-01T02:00:00Z --until 2099-01-01T01:00:00Z",
        "schedule shop --from 2001-01-01T02:00:00Z --until 2001-01-01T03:00:00Z",
        "schedule shop --from 25:00 --for 1h",
        "schedule shop --from 9999-12-31T02:00:00Z --for 48h",
        "schedule shop --from 2099-01-01T02:00:00Z --for 1h --eta 2099-01-01T01:00:00Z",
        "schedule shop --from 2099-01-01T02:00:00Z --stay --eta 2099-01-01T02:00:00Z",
        "schedule shop --from 2099-01-01T02:00:00Z",
    ] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 2, "{words}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{words}: {output:?}");
        assert_eq!(envoy.site("shop").await["revision"], 0, "{words}");
    }
}

#[tokio::test]
async fn a_clock_time_in_a_window_is_the_next_one_after_its_start() {
    let (_app, _envoy, desk, _) = pushing().await;
    let planned = desk.json("schedule shop --from 2099-01-01T02:00:00Z --until 01:30 --eta 03:30 --json").await;
    let window = &planned["sites"][0]["windows"][0];
    let times = ["from", "eta", "until"].map(|name| window[name].clone());
    assert_eq!(json!(times), json!(["2099-01-01T02:00:00Z", "2099-01-01T03:30:00Z", "2099-01-02T01:30:00Z"]));
}

#[tokio::test]
async fn open_ends_the_open_window_and_names_the_next() {
    let (_app, envoy, desk, _) = pushing().await;
    let now = jiff::Timestamp::now();
    let at = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    assert_eq!(desk.run(&format!("schedule shop --from {} --for 1h", at(5))).await.code, 0);
    let soon = (now + jiff::SignedDuration::from_secs(3)).to_string();
    assert_eq!(desk.run(&format!("schedule shop --from {soon} --for 1h --reason Window")).await.code, 0);
    crate::support::eventually("the window opens", async || (status_of(&envoy).await == 503).then_some(())).await;
    let opened = desk.run("open shop").await;
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(opened.stdout.contains("ONLINE") && opened.stdout.contains("next"), "{opened:?}");
    assert_eq!(status_of(&envoy).await, 200);
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!(site["windows"].as_array().unwrap().len(), 1, "{site}");
    let history = desk.run("history shop").await;
    assert!(history.stdout.contains("Window"), "{history:?}");
    let cancelled = desk.run("cancel shop --all").await;
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    assert_eq!(desk.json("status shop --json").await["sites"][0]["windows"], json!([]));
}
