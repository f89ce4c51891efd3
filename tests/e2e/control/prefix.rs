//! The path prefix of the control endpoint is matched literally.

use serde_json::json;

use super::Scene;
use crate::support::raw;

/// The status and the body of the response to a request with exactly this `:path`.
async fn get(to: std::net::SocketAddr, path: &str) -> (u16, String) {
    let answer = raw::exchange(to, raw::get(path).as_bytes()).await.expect("a response");
    (answer.status, answer.text())
}

#[tokio::test]
async fn an_encoded_prefix_does_not_reach_the_control_endpoint() {
    let scene = Scene::new(|policy| policy["control"] = json!({ "path_prefix": "/.own" })).await;
    let (control, data) = (scene.envoy.listener("control"), scene.envoy.data());
    for (listener, path, status, is_endpoint) in [
        (control, "/.maintenance/v1/status", 200, true),
        (control, "/.maintenance/v1/status?x", 200, true),
        (control, "/.maintenance/v1/%73tatus", 404, true),
        (control, "/%2emaintenance/v1/status", 404, true),
        (control, "/.maintenance%2fv1/status", 404, true),
        (control, "/.maintenance/v1/status;x", 404, true),
        (control, "/x/../.maintenance/v1/status", 404, true),
        (data, "/.own/v1/status", 200, true),
        (data, "/.own/v1/%73tatus", 404, true),
        (data, "/%2eown/v1/status", 200, false),
        (data, "/.%6fwn/v1/status", 200, false),
        (data, "/.own%2Fv1/status", 200, false),
    ] {
        let hits = scene.app.hits();
        let (seen, body) = get(listener, path).await;
        assert_eq!((seen, scene.app.hits() - hits), (status, u64::from(!is_endpoint)), "{path}: {body}");
        assert_eq!(body.contains("not_found"), status == 404, "{path}: {body}");
    }
}
