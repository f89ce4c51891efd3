//! `maintctl explain` with pushed documents, windows, and client addresses.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ExplainedRequest, HTML, assert_agreement};
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::shop;
use crate::support::signer::{Signer, now_ms};

const ROWS: [ExplainedRequest; 7] = [
    ("GET", "shop.example.com", "/", &[]),
    ("GET", "shop.example.com", "/", &[HTML]),
    ("PUT", "shop.example.com", "/", &["content-length: 0"]),
    ("PUT", "shop.example.com", "/", &["x-staff: yes", "content-length: 0"]),
    ("PUT", "shop.example.com", "/", &["x-robot: yes", "content-length: 0"]),
    ("GET", "shop.example.com", "/", &["user-agent: kube-probe/1.30"]),
    ("GET", "api.example.com", "/", &[]),
];

/// The time this number of hours from now.
fn at(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(hours)).to_string()
}

/// A window between these hours that suspends the rule `staff`.
fn window(id: &str, mode: &str, from: i64, until: Option<i64>) -> Value {
    let until = until.map(at);
    json!({ "id": id, "mode": mode, "from": at(from), "until": until, "reason": "Window", "suspend": ["staff"] })
}

#[tokio::test]
async fn explain_predicts_the_response_with_a_pushed_document() {
    let (app, ops) = (App::start(), Signer::generate());
    let exempt = |name: &str| json!({ "name": name, "headers": [{ "name": format!("x-{name}"), "value": "yes" }] });
    let policy = json!({
        "fleet": "test", "keys": [ops.entry("ops")], "exempt": [exempt("staff"), exempt("robot")],
        "sites": [{ "name": "shop", "hosts": ["shop.example.com"] }, { "name": "api", "hosts": ["api.example.com"] }],
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).control(&shop::control(&ops)).start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let [policy_file, state] = ["policy.json", "state"].map(|name| folder.path().join(name));
    fs::write(&policy_file, policy.to_string()).unwrap();
    let files = ["--policy", policy_file.to_str().unwrap(), "--state", state.to_str().unwrap()];
    // The expected verdicts of the first five rows.
    for (members, expected) in [
        (
            json!({ "mode": "offline", "reason": "Upgrade", "eta": at(1) }),
            ["offline", "offline", "offline", "exempt:staff", "exempt:robot"],
        ),
        (
            json!({ "mode": "offline", "until": at(3), "eta": at(1), "suspend": ["staff"] }),
            ["offline", "offline", "offline", "offline", "exempt:robot"],
        ),
        (json!({ "mode": "offline", "until": at(-1), "reason": "Over", "suspend": ["staff"] }), ["online"; 5]),
        (
            json!({ "mode": "read_only", "suspend": ["robot", "no-such-rule"] }),
            ["read_only", "read_only", "read_only", "exempt:staff", "read_only"],
        ),
        (
            json!({ "mode": "online", "windows": [window("w1", "offline", -1, Some(2))] }),
            ["offline", "offline", "offline", "offline", "exempt:robot"],
        ),
        (
            json!({ "mode": "online", "windows": [window("w1", "read_only", -1, None)] }),
            ["read_only", "read_only", "read_only", "read_only", "exempt:robot"],
        ),
        (
            json!({ "mode": "online", "windows": [window("w1", "offline", -2, Some(-1)), window("w2", "offline", 1, None)] }),
            ["online"; 5],
        ),
        (
            json!({ "mode": "read_only", "until": at(4), "reason": "Own", "windows": [window("w1", "offline", -1, Some(2))] }),
            ["offline", "offline", "offline", "offline", "exempt:robot"],
        ),
        (json!({ "mode": "online", "note": "open again" }), ["online"; 5]),
    ] {
        let mut document = json!({ "site": "shop", "fleet": "test", "revision": now_ms() });
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        shop::push(&envoy, &ops, &document).await;
        for content in [document.to_string(), ops.sign(&document)] {
            fs::write(&state, content).unwrap();
            let mut verdicts = Vec::new();
            for row in ROWS {
                verdicts.push(assert_agreement(&envoy, &files, "127.0.0.1", row).await);
            }
            let probe = if expected[0] == "online" { "online" } else { "health-check:health-check-agents" };
            assert_eq!(verdicts, [&expected[..], &[probe, "online"]].concat(), "{members}");
        }
    }
}

#[tokio::test]
async fn explain_predicts_the_response_to_clients_at_several_addresses() {
    let app = App::start();
    let policy = json!({
        "sites": [{ "name": "shop" }],
        "exempt": [
            { "name": "here", "remote_ips": ["127.0.0.0/8"] },
            { "name": "office", "remote_ips": ["203.0.113.0/24", "2001:db8::/32"], "methods": ["GET"] },
        ],
        "always_closed": [{ "name": "banned", "remote_ips": ["203.0.113.66", "198.51.100.0/24"] }],
        "state": { "shop": { "mode": "offline" } },
    });
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.json");
    fs::write(&file, policy.to_string()).unwrap();
    let files = ["--policy", file.to_str().unwrap()];
    // With one trusted hop, the client is the last address in `x-forwarded-for`.
    let behind =
        Envoy::builder(app.address()).policy(&policy).manager(|manager| manager["xff_num_trusted_hops"] = 1.into());
    let (behind, alone) = (behind.start().await, Envoy::builder(app.address()).policy(&policy).start().await);
    const GET: ExplainedRequest = ("GET", "shop", "/", &[]);
    for (headers, ip, verdict) in [
        (&[][..], "127.0.0.1", "exempt:here"),
        (&["x-forwarded-for: 203.0.113.9"], "203.0.113.9", "exempt:office"),
        (&["x-forwarded-for: 192.0.2.1"], "192.0.2.1", "offline"),
        (&["x-forwarded-for: 192.0.2.1, 203.0.113.9"], "203.0.113.9", "exempt:office"),
        (&["x-forwarded-for: 203.0.113.9, 192.0.2.1"], "192.0.2.1", "offline"),
        (&["x-forwarded-for: 203.0.113.66"], "203.0.113.66", "always_closed:banned"),
        (&["x-forwarded-for: 198.51.100.255"], "198.51.100.255", "always_closed:banned"),
        (&["x-forwarded-for: 2001:db8::5"], "2001:db8::5", "exempt:office"),
        (&["x-forwarded-for: ::ffff:203.0.113.9"], "::ffff:203.0.113.9", "exempt:office"),
        (&["x-forwarded-for: 2001:db9::5"], "2001:db9::5", "offline"),
        (&["x-forwarded-for: nobody"], "127.0.0.1", "exempt:here"),
    ] {
        let row = (GET.0, GET.1, GET.2, headers);
        assert_eq!(assert_agreement(&behind, &files, ip, row).await, verdict, "{headers:?}");
        assert_eq!(assert_agreement(&alone, &files, "127.0.0.1", row).await, "exempt:here", "{headers:?}");
    }
    let put: ExplainedRequest = ("PUT", "shop", "/", &["x-forwarded-for: 203.0.113.9", "content-length: 0"]);
    assert_eq!(assert_agreement(&behind, &files, "203.0.113.9", put).await, "offline");
}
