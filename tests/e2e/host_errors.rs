//! Failing hostcalls: the filter rejects unreadable configurations and refuses unreadable requests.

use hyper::Method;
use serde_json::json;

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{faults, shop};

#[tokio::test]
async fn an_unreadable_configuration_is_rejected() {
    let (app, folder) = (App::start(), tempfile::tempdir().unwrap());
    let rows = [(7, "policy"), (6, "VM configuration")];
    for (buffer, name) in rows {
        let module = faults::fails_at(folder.path(), "proxy_get_buffer_bytes", Some(buffer));
        let started = Envoy::builder(app.address()).policy(&json!({})).module(&module).try_start().await;
        let log = started.err().expect("Envoy does not start");
        let line = format!("{name} refused: hostcall proxy_get_buffer_bytes failed with status 10");
        assert!(log.contains(&line), "{line}: {log}");
    }
}

#[tokio::test]
async fn a_request_with_unreadable_headers_is_refused_if_any_request_may_be_refused() {
    let (app, folder) = (App::start(), tempfile::tempdir().unwrap());
    let module = faults::fails_at(folder.path(), "proxy_get_header_map_pairs", None);
    let closed = json!({ "sites": [{ "name": "a", "hosts": ["closed"] }], "state": { "a": { "mode": "offline" } } });
    let rows = [
        ("no site is closed", json!({}), 200),
        (
            "no site is closed, on a listener with a control endpoint",
            json!({ "control": { "path_prefix": "/c" } }),
            200,
        ),
        ("another site is closed", closed, 503),
        ("a rule is always closed", json!({ "always_closed": [{ "name": "a", "paths": ["/closed"] }] }), 503),
    ];
    for (name, policy, status) in rows {
        let before = app.hits();
        let envoy = Envoy::builder(app.address()).policy(&policy).module(&module).start().await;
        assert_eq!(shop::get(&envoy, "/").await, status, "{name}");
        assert_eq!(app.hits() - before, u64::from(status == 200), "{name}");
        if status == 503 {
            let line = "hostcall proxy_get_header_map_pairs failed with status 10";
            assert!(envoy.log_contains(line), "{name}: {}", envoy.log());
        }
    }
}

#[tokio::test]
async fn sites_are_closed_until_shared_data_has_been_read() {
    let (app, ops, folder) = (App::start(), Signer::generate(), tempfile::tempdir().unwrap());
    // A worker reads the clock before it reads shared data.
    let module = faults::fails_at(folder.path(), "proxy_get_current_time_nanoseconds", None);
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .module(&module)
        .start()
        .await;
    assert_eq!((shop::get(&envoy, "/").await, app.hits()), (503, 0));
    let (status, problem) = envoy.control(Method::GET, "/v1/status", &[]).await;
    assert_eq!((status, &problem["code"]), (500, &json!("host_error")), "{problem}");
}
