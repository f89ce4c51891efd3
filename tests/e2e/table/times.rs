//! Windows and `until` take effect when they are due.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::{behind_a_proxy, control, policy, send};
use crate::support::app::App;
use crate::support::envoy::{Envoy, Update};
use crate::support::eventually;
use crate::support::signer::{Signer, document};

/// The time after which a change must have taken effect.
const GRACE: Duration = Duration::from_secs(3);

/// RFC 3339 with milliseconds.
fn text(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap().to_string()
}

/// Sends requests until the site has opened again. The site must be open before `from`, closed between `from` and
/// `until`, and open after `until`, with [`GRACE`] for ticks and a busy machine.
async fn closes_and_opens_by_itself(name: &str, envoy: &Envoy, from: SystemTime, until: SystemTime) {
    let mut seen = [0; 3];
    loop {
        let sent = SystemTime::now();
        let status = send(envoy, "shop.example.com GET /").await.status;
        let answered = SystemTime::now();
        let (phase, expected) = if answered < from {
            (0, 200)
        } else if sent > from + GRACE && answered < until {
            (1, 503)
        } else if sent > until + GRACE {
            (2, 200)
        } else {
            continue;
        };
        let late = answered.duration_since(from).unwrap_or_default();
        assert_eq!(status, expected, "{name}: {late:?} after the start");
        seen[phase] += 1;
        if phase == 2 && seen[phase] == 20 {
            break;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{name}: requests before, within and after the window: {seen:?}");
}

#[tokio::test]
async fn windows_and_until_take_effect_without_a_push() {
    let app = App::start();
    let signer = Signer::generate();
    for name in ["pushed window", "declared window", "declared until"] {
        let mut policy = policy(&signer);
        let builder = behind_a_proxy(&app).policy(&policy).control(&control(&signer)).watched_file();
        let envoy = builder.start().await;
        let now = SystemTime::now();
        let (from, until) = match name {
            "declared until" => (now, now + Duration::from_secs(3)),
            _ => (now + Duration::from_secs(2), now + Duration::from_secs(8)),
        };
        let window = json!([{ "id": "w1", "mode": "offline", "from": text(from), "until": text(until) }]);
        if name == "pushed window" {
            let mut pushed = document("shop", "online");
            pushed["windows"] = window;
            assert_eq!(envoy.push("shop", &signer.sign(&pushed)).await.0, 200);
        } else {
            policy["state"] = match name {
                "declared window" => json!({ "shop": { "mode": "online", "windows": window } }),
                _ => json!({ "shop": { "mode": "offline", "until": text(until) } }),
            };
            assert_eq!(envoy.set_policy(&policy).await, Update::Taken, "{name}");
        }
        if name == "declared until" {
            assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503, "{name}");
            eventually(name, async || {
                let status = send(&envoy, "shop.example.com GET /").await.status;
                let now = SystemTime::now();
                assert!(status == 503 || now >= until, "{name}: open {:?} early", until.duration_since(now));
                assert!(status == 200 || now < until + GRACE, "{name}: still closed");
                (status == 200).then_some(())
            })
            .await;
        } else {
            closes_and_opens_by_itself(name, &envoy, from, until).await;
        }
    }
}

#[tokio::test]
async fn a_document_with_invalid_times_is_rejected() {
    let app = App::start();
    let signer = Signer::generate();
    let envoy = behind_a_proxy(&app).policy(&policy(&signer)).control(&control(&signer)).start().await;
    let closed = document("shop", "offline");
    assert_eq!(envoy.push("shop", &signer.sign(&closed)).await.0, 200);
    envoy.wait_adopted("shop", &closed["revision"]).await;
    for (member, value) in [
        ("until", json!("tomorrow")),
        ("until", json!(1795204262)),
        ("eta", json!("2026-13-01T00:00:00Z")),
        ("since", json!("2026-11-21 02:00")),
        (
            "windows",
            json!([{ "id": "w", "mode": "offline", "from": "2099-01-02T00:00:00Z", "until": "2099-01-01T00:00:00Z" }]),
        ),
        (
            "windows",
            json!([{ "id": "w", "mode": "offline", "from": "2099-01-02T00:00:00Z", "until": "2099-01-02T00:00:00Z" }]),
        ),
        ("windows", json!([{ "id": "w", "mode": "offline", "until": "2099-01-02T00:00:00Z" }])),
    ] {
        let mut bad = document("shop", "online");
        bad[member] = value.clone();
        let (status, answer) = envoy.push("shop", &signer.sign(&bad)).await;
        assert_eq!((status, &answer["code"]), (400, &json!("malformed_document")), "{member}: {value}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(member), "{member}: {value}: {answer}");
        assert_eq!(envoy.site("shop").await["revision"], closed["revision"], "{member}: {value}");
        assert_eq!(send(&envoy, "shop.example.com GET /").await.status, 503, "{member}: {value}");
    }
}
