//! The form of the responses, and the paths of the control endpoint.

use hyper::Method;
use serde_json::{Value, json};

use super::{DOCUMENT, Scene};
use crate::support::client;
use crate::support::shop;
use crate::support::signer::document;

#[tokio::test]
async fn responses_are_json_and_not_cacheable() {
    let scene = Scene::new(|_| {}).await;
    let client = client::h1();
    for (method, path, token, status, content_type, allow) in [
        (Method::GET, "/v1/status", None, 200, "application/json", None),
        (
            Method::PUT,
            "/v1/sites/shop",
            Some(scene.ops.sign(&document("shop", "online"))),
            200,
            "application/json",
            None,
        ),
        (Method::PUT, "/v1/sites/shop", None, 400, "application/problem+json", None),
        (Method::PUT, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::HEAD, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::DELETE, "/v1/status", None, 405, "application/problem+json", Some("GET")),
        (Method::GET, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::POST, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::DELETE, "/v1/sites/shop", None, 405, "application/problem+json", Some("PUT")),
        (Method::GET, "/v1/nothing", None, 404, "application/problem+json", None),
        (Method::GET, "/v2/status", None, 404, "application/problem+json", None),
        (Method::GET, "/v1/status/", None, 404, "application/problem+json", None),
        (Method::GET, "/", None, 404, "application/problem+json", None),
        (Method::GET, "", None, 404, "application/problem+json", None),
        (Method::PUT, "/v1/sites/", None, 404, "application/problem+json", None),
        (Method::PUT, "/v1/sites/shop/x", None, 404, "application/problem+json", None),
    ] {
        let what = format!("{method} {path}");
        let mut request = client.request(method.clone(), scene.envoy.control_url(path));
        if let Some(token) = token {
            request = request.header(DOCUMENT, token);
        }
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(header("content-type").as_deref(), Some(content_type), "{what}");
        assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{what}");
        assert_eq!(header("allow").as_deref(), allow, "{what}");
        if method != Method::HEAD {
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            let code = match status {
                404 => json!("not_found"),
                405 => json!("method_not_allowed"),
                400 => json!("malformed_document"),
                _ => Value::Null,
            };
            assert_eq!(body["code"], code, "{what}");
        }
    }
    // Paths outside of the prefix and ambiguous paths get 404; the control listener never forwards a request.
    let root = scene.envoy.control_url("").replace("/.maintenance", "");
    for path in ["/", "/.maintenances/v1/status", "/x", "//.maintenance/v1/status", "/.maintenance/v1//status"] {
        let answer = client.get(format!("{root}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(scene.app.hits(), 0);
}

#[tokio::test]
async fn only_a_listener_whose_policy_has_control_serves_the_control_endpoint() {
    let scene = Scene::new(|_| {}).await;
    assert_eq!(shop::get(&scene.envoy, "/.maintenance/v1/status").await, 200);
    assert_eq!(scene.app.hits_of("/.maintenance/v1/status"), 1);

    let both = Scene::new(|policy| policy["control"] = json!({ "path_prefix": "/.own" })).await;
    let answer = client::h1().get(both.envoy.url("/.own/v1/status")).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("\"shop\""));
    assert_eq!(both.app.hits(), 0);
    assert_eq!(shop::get(&both.envoy, "/").await, 200);
    assert_eq!(shop::get(&both.envoy, "/.owner").await, 200);
    // The endpoint responds while the site is closed, too.
    shop::push(&both.envoy, &both.ops, &document("shop", "offline")).await;
    assert_eq!(shop::get(&both.envoy, "/.own/v1/status").await, 200);
    assert_eq!(shop::get(&both.envoy, "/").await, 503);
}
