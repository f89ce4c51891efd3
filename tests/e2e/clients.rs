//! Common clients: each gets the refusal in the terms of its protocol.

use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite;

use crate::support::app::App;
use crate::support::builder::EnvoyBuilder;
use crate::support::client::{self, curl};
use crate::support::envoy::Envoy;

mod grpc;
mod retries;

/// An Envoy with a closed site that exempts staff. It uses HTTP/2 to the application, as gRPC requires.
fn closed(app: &App) -> EnvoyBuilder {
    in_mode(app, "offline")
}

fn in_mode(app: &App, mode: &str) -> EnvoyBuilder {
    let policy = json!({
        "sites": [{ "name": "shop", "hosts": ["*"] }],
        "exempt": [{ "name": "staff", "headers": [{ "name": "x-staff", "value": "yes" }] }],
        "state": { "shop": { "mode": mode, "reason": "Database upgrade" } },
    });
    Envoy::builder(app.address()).upstream_h2().policy(&policy)
}

#[tokio::test]
async fn curl_sees_the_refusal() {
    let app = App::start();
    let envoy = closed(&app).start().await;
    let upload = envoy.folder().join("upload");
    std::fs::write(&upload, vec![b'x'; 1 << 20]).unwrap();
    let upload = format!("@{}", upload.display());
    let shown = "%{stderr}%{http_code} %{http_version} %{content_type} %{num_connects}";
    for (arguments, expected) in [
        (&[][..], "503 1.1 application/problem+json 1"),
        (&["--http2-prior-knowledge"], "503 2 application/problem+json 1"),
        (&["--head"], "503 1.1 application/problem+json 1"),
        (&["--http2-prior-knowledge", "--head"], "503 2 application/problem+json 1"),
        (&["--http2"], "503 1.1 application/problem+json 1"),
        (&["--header", "accept: text/html"], "503 1.1 text/html; charset=utf-8 1"),
        (&["--compressed", "--header", "accept: text/html"], "503 1.1 text/html; charset=utf-8 1"),
        (&["--json", "{}"], "503 1.1 application/problem+json 1"),
        (&["--data-binary", &upload], "503 1.1 application/problem+json 1"),
        (&["--data-binary", &upload, "--header", "expect: 100-continue"], "503 1.1 application/problem+json 1"),
        (&["--location"], "503 1.1 application/problem+json 1"),
        (&["--header", "x-staff: yes"], "200 1.1 text/plain 1"),
    ] {
        let url = envoy.url("/");
        let output = curl(&[&["--write-out", shown], arguments, &[&url]].concat()).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, expected), "curl {arguments:?}: {}", output.stdout);
    }
    let output = curl(&["--fail", &envoy.url("/")]).await;
    assert_eq!(output.code, 22, "curl --fail exits with an error: {output:?}");
    assert_eq!(app.hits(), 1);
}

#[tokio::test]
async fn curl_follows_a_redirect_to_its_target() {
    let app = App::start();
    let policy = json!({
        "sites": [{ "name": "shop", "hosts": ["127.0.0.1"] }],
        "reply": { "redirect": "/sorry" },
        "state": { "shop": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let shown = "%{stderr}%{http_code} %{num_redirects} %{url_effective}";
    let url = envoy.url("/a?b");
    let output = curl(&["--location", "--header", "accept: text/html", "--write-out", shown, &url]).await;
    assert_eq!(output.stderr, format!("200 1 {}", envoy.url("/sorry")));
    assert_eq!((output.stdout.as_str(), app.hits_of("/sorry"), app.hits()), ("app", 1, 1));
}

#[tokio::test]
async fn a_connection_stays_usable_after_refusals() {
    let app = App::start();
    let envoy = closed(&app).start().await;
    for (name, client) in [("h1", client::h1()), ("h2", client::h2())] {
        for staff in [false, true, false] {
            for _ in 0..20 {
                let request = client.post(envoy.url("/")).body("body");
                let request = if staff { request.header("x-staff", "yes") } else { request };
                let response = request.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert_eq!(response.status(), if staff { 200 } else { 503 }, "{name}");
                response.bytes().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
    }
    assert_eq!(app.hits(), 40);

    // A refusal arrives even while the client is still sending the body.
    let long = vec![b'x'; 1 << 20];
    for (name, client) in [("h1", client::h1()), ("h2", client::h2())] {
        let answer = client.post(envoy.url("/")).body(long.clone()).send().await;
        assert_eq!(answer.unwrap_or_else(|error| panic!("{name}: {error:?}")).status(), 503, "{name}");
    }
    assert_eq!(app.hits(), 40);

    // Many concurrent streams of one connection.
    let client = client::h2();
    client.get(envoy.url("/")).send().await.unwrap();
    let before = envoy.stat("http.data.downstream_cx_http2_total").await;
    let asked = (0..100).map(|_| client.get(envoy.url("/")).header("accept", "text/html").send());
    for answer in futures::future::join_all(asked).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.text().await.unwrap().ends_with("</html>\n"));
    }
    assert_eq!(envoy.stat("http.data.downstream_cx_http2_total").await, before);
}

#[tokio::test]
async fn a_web_socket_is_refused_with_503_unless_exempt() {
    let app = App::start();
    let policy = json!({
        "sites": [{ "name": "shop" }],
        "exempt": [{ "name": "staff", "query": [{ "name": "staff", "value": "yes" }] }],
        "state": { "shop": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/ws", envoy.data())).await.unwrap_err();
    let tungstenite::Error::Http(response) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["x-maintenance-mode"], "offline");
    assert_eq!(response.headers()["retry-after"], "300");
    assert_eq!(app.hits(), 0);
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/ws?staff=yes", envoy.data())).await.unwrap();
    socket.send("hello".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "hello");
}

#[tokio::test]
async fn a_web_socket_to_a_read_only_site_is_refused() {
    let app = App::start();
    let policy = json!({ "sites": [{ "name": "shop" }], "state": { "shop": { "mode": "read_only" } } });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/ws", envoy.data())).await.unwrap_err();
    let tungstenite::Error::Http(response) = refused else { panic!("{refused:?}") };
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-maintenance-mode"]),
        (503, &"read_only".parse().unwrap())
    );
    assert_eq!(app.hits(), 0);
    assert_eq!(client::h1().get(envoy.url("/")).send().await.unwrap().status(), 200);
    let disguised = client::h1().get(envoy.url("/")).header("x-http-method-override", "DELETE").send().await.unwrap();
    assert_eq!((disguised.status().as_u16(), app.hits()), (503, 1));
}
