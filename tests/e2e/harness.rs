//! Tests of the harness itself, which all other tests depend on.

use serde_json::json;

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::client::{self, curl};
use crate::support::envoy::{Envoy, Update};
use crate::support::tls::Tls;
use crate::support::{eventually, raw};
use futures::{SinkExt, StreamExt};

#[tokio::test]
async fn envoy_without_the_filter_forwards_every_request() {
    let app = App::start();
    let envoy = Envoy::builder(app.address()).start().await;

    assert_eq!(client::h1().get(envoy.url("/a")).send().await.unwrap().text().await.unwrap(), "app");
    assert_eq!(client::h2().get(envoy.url("/a?b")).send().await.unwrap().status(), 200);
    assert_eq!(curl(&[&envoy.url("/c")]).await.stdout, "app");
    let response = raw::exchange(envoy.data(), b"GET /d HTTP/1.1\r\nHost: x\r\nx-app: 404\r\n\r\n").await.unwrap();
    assert_eq!((response.status, response.text().as_str()), (404, "app"));

    assert_eq!((app.hits_of("/a"), app.hits()), (2, 4));
    assert_eq!(envoy.stat("http.data.downstream_rq_total").await, 4);
    eventually("the request is in the access log", async || {
        envoy.access_log().contains(&"404 via_upstream - GET x /d".to_owned()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_application_supports_echo_hold_and_stream() {
    let app = App::start();
    let envoy = Envoy::builder(app.address()).upstream_h2().start().await;
    let client = client::h1();

    let echo = client.get(envoy.url("/e?q")).header("x-app", "echo").header("x-a", "1").send().await.unwrap();
    let echo: serde_json::Value = serde_json::from_str(&echo.text().await.unwrap()).unwrap();
    assert_eq!((&echo["path"], &echo["headers"]["x-a"]), (&json!("/e?q"), &json!(["1"])));

    let mut stream = client.get(envoy.url("/s")).header("x-app", "stream").send().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "first");
    let held = tokio::spawn(client.get(envoy.url("/h")).header("x-app", "hold").send());
    eventually("the application has the request", async || (app.hits_of("/h") == 1).then_some(())).await;
    assert!(!held.is_finished());
    app.release();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "last");
}

#[tokio::test]
async fn a_web_socket_reaches_the_application() {
    let app = App::start();
    let envoy = Envoy::builder(app.address()).start().await;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws", envoy.data())).await.unwrap();
    socket.send("hello".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "hello");
}

#[tokio::test]
async fn client_certificates_are_requested_and_verified() {
    let app = App::start();
    let tls = Tls::new();
    let envoy = Envoy::builder(app.address()).tls(tls.downstream()).start().await;
    let url = format!("https://localhost:{}/", envoy.data().port());

    let known = tls.client(&["spiffe://cluster.local/ns/ops/sa/a"]);
    assert_eq!(client::tls(&tls, Some(&known)).get(&url).send().await.unwrap().status(), 200);
    assert_eq!(client::tls(&tls, None).get(&url).send().await.unwrap().status(), 200);
    let stranger = Tls::self_signed_client(&["spiffe://cluster.local/ns/ops/sa/a"]);
    assert!(client::tls(&tls, Some(&stranger)).get(&url).send().await.is_err());

    let envoy = Envoy::builder(app.address()).tls(tls.downstream_accepting_untrusted()).start().await;
    let url = format!("https://localhost:{}/", envoy.data().port());
    assert_eq!(client::tls(&tls, Some(&stranger)).get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_restarted_envoy_listens_on_the_same_ports() {
    let app = App::start();
    let mut envoy = Envoy::builder(app.address()).start().await;
    let (address, pid) = (envoy.data(), envoy.pid());
    envoy.restart().await;
    assert_eq!(envoy.data(), address);
    assert_ne!(envoy.pid(), pid);
    assert_eq!(client::h1().get(envoy.url("/")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_envoy_that_does_not_start_returns_its_log() {
    let app = App::start();
    let broken = Envoy::builder(app.address()).manager(|manager| manager["stat_prefix"] = "".into());
    let log = broken.try_start().await.err().unwrap();
    assert!(log.contains("StatPrefix"), "{log}");
}

#[tokio::test]
async fn set_policy_reports_whether_envoy_accepts_the_policy() {
    let app = App::start();
    for form in [Form::Text, Form::Struct] {
        let open = json!({ "sites": [{ "name": "shop" }] });
        let mut closed = open.clone();
        closed["state"] = json!({ "shop": { "mode": "offline" } });
        let envoy = Envoy::builder(app.address()).policy(&open).watched_file().form(form).start().await;
        let status = async || client::h1().get(envoy.url("/")).send().await.unwrap().status().as_u16();
        assert_eq!(status().await, 200);
        assert_eq!(envoy.set_policy(&closed).await, Update::Taken);
        eventually("every worker has closed the site", async || (status().await == 503).then_some(())).await;
        assert_eq!(envoy.set_policy(&json!({ "sits": [] })).await, Update::Refused);
        assert_eq!(status().await, 503);
        assert_eq!(envoy.set_policy(&open).await, Update::Taken);
        eventually("every worker has opened the site", async || (status().await == 200).then_some(())).await;
    }
}
