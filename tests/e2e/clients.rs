//! Clients as people use them: each is told of the maintenance in the terms of its own protocol.

use std::collections::BTreeMap;

use ct_codecs::{Base64, Decoder as _, Encoder as _};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::app::App;
use crate::support::builder::Builder;
use crate::support::client::{self, curl};
use crate::support::envoy::Envoy;
use crate::support::{eventually, filters, raw};

/// An Envoy whose only site is closed to all but staff; it speaks HTTP/2 to the application, as gRPC needs.
fn closed(app: &App) -> Builder {
    in_mode(app, "offline")
}

fn in_mode(app: &App, mode: &str) -> Builder {
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
    for (arguments, wanted) in [
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
        assert_eq!((output.code, output.stderr.as_str()), (0, wanted), "curl {arguments:?}: {}", output.stdout);
    }
    let output = curl(&["--fail", &envoy.url("/")]).await;
    assert_eq!(output.code, 22, "--fail: an error, as scripts and health checks want it: {output:?}");
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
async fn one_connection_is_refused_again_and_again() {
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

    // What is still being sent when the refusal comes does not keep it from coming.
    let long = vec![b'x'; 1 << 20];
    for (name, client) in [("h1", client::h1()), ("h2", client::h2())] {
        let answer = client.post(envoy.url("/")).body(long.clone()).send().await;
        assert_eq!(answer.unwrap_or_else(|error| panic!("{name}: {error:?}")).status(), 503, "{name}");
    }
    assert_eq!(app.hits(), 40);

    // Many streams of one connection at once.
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

/// Messages without a field.
#[derive(Clone, Copy, Default)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Empty;
    type Decoder = Empty;

    fn encoder(&mut self) -> Empty {
        Empty
    }

    fn decoder(&mut self) -> Empty {
        Empty
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

const CALLS: [&str; 4] = ["unary", "client streaming", "server streaming", "both streaming"];

/// Makes one kind of call, and reads its answer to the end.
async fn call(envoy: &Envoy, kind: &str, staff: bool) -> Result<(), Status> {
    let channel = Channel::from_shared(envoy.url("")).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/shop.Cart/Call");
    let messages = || futures::stream::iter([(), (), ()]);
    fn request<T>(message: T, staff: bool) -> Request<T> {
        let mut request = Request::new(message);
        if staff {
            request.metadata_mut().insert("x-staff", "yes".parse().unwrap());
        }
        request
    }
    let mut stream = match kind {
        "unary" => return client.unary(request((), staff), path, Empty).await.map(|_| ()),
        "client streaming" => {
            return client.client_streaming(request(messages(), staff), path, Empty).await.map(|_| ());
        }
        "server streaming" => client.server_streaming(request((), staff), path, Empty).await?.into_inner(),
        "both streaming" => client.streaming(request(messages(), staff), path, Empty).await?.into_inner(),
        other => panic!("{other}"),
    };
    while stream.message().await?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn grpc_calls_get_unavailable_with_a_short_message() {
    let app = App::start();
    let envoy = closed(&app).start().await;
    for kind in CALLS {
        let status = call(&envoy, kind, false).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{kind}: {status:?}");
        assert_eq!(status.message(), "shop is closed for maintenance: Database upgrade", "{kind}");
        let metadata = |name: &str| status.metadata().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(metadata("grpc-retry-pushback-ms").as_deref(), Some("300000"), "{kind}");
        assert_eq!(metadata("x-maintenance-mode").as_deref(), Some("offline"), "{kind}");
        assert!(status.details().is_empty(), "{kind}");
        call(&envoy, kind, true).await.unwrap_or_else(|status| panic!("{kind}, as staff: {status:?}"));
    }
    assert_eq!(app.hits(), 4);
}

#[tokio::test]
async fn the_message_of_a_grpc_call_is_short_and_printable_whatever_the_reason() {
    let app = App::start();
    for reason in ["x".repeat(4000), "Grüße\n\"100 %\" 🚧 a%20b".to_owned()] {
        let policy = json!({
            "sites": [{ "name": "shop" }],
            "reply": { "html": "<p>a page</p>", "format": "html", "redirect": "/sorry" },
            "state": { "shop": { "mode": "offline", "reason": reason } },
        });
        let envoy = Envoy::builder(app.address()).upstream_h2().policy(&policy).start().await;
        let status = call(&envoy, "unary", false).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let message = status.message();
        assert!(message.starts_with("shop is closed for maintenance: "), "{message}");
        assert!(message.len() <= 200 && !message.contains('<'), "{message}");
        let end = if reason.len() > 200 { "xxx" } else { "100 %\" ? a%20b" };
        assert!(message.ends_with(end), "{message}");
    }
}

#[tokio::test]
async fn grpc_in_read_only_is_refused_as_what_it_is() {
    let app = App::start();
    let envoy = in_mode(&app, "read_only").start().await;
    let status = call(&envoy, "unary", false).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "shop is read-only for maintenance: Database upgrade");
    assert_eq!(app.hits(), 0);
}

/// What a gRPC-Web client reads: `grpc-status` and `grpc-message`, from the headers of a response without messages or
/// else from the trailers in its body.
fn grpc_web_status(response: &raw::Response) -> BTreeMap<String, String> {
    let mut status: BTreeMap<_, _> = response
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("grpc-"))
        .map(|(name, value)| (name.clone(), String::from_utf8(value.clone()).unwrap()))
        .collect();
    let body = match response.header("content-type") {
        Some(kind) if kind.starts_with("application/grpc-web-text") => {
            // Each frame may be padded for itself.
            response.body.chunks(4).flat_map(|four| Base64::decode_to_vec(four, None).unwrap()).collect()
        }
        _ => response.body.clone(),
    };
    let mut rest = &body[..];
    while let Some((head, tail)) = rest.split_at_checked(5) {
        let (frame, next) = tail.split_at(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize);
        rest = next;
        if head[0] & 0x80 != 0 {
            let lines = std::str::from_utf8(frame).unwrap().lines().filter_map(|line| line.split_once(':'));
            status.extend(lines.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())));
        }
    }
    assert!(rest.is_empty(), "frames and nothing else: {response:?}");
    status
}

#[tokio::test]
async fn grpc_web_gets_unavailable_with_and_without_envoys_filter() {
    let app = App::start();
    let message = "shop is closed for maintenance: Database upgrade";
    let without = closed(&app).start().await;
    let before = closed(&app).before(filters::grpc_web()).start().await;
    let after = closed(&app).after(filters::grpc_web()).start().await;
    for (name, envoy) in [("without", &without), ("before ours", &before), ("after ours", &after)] {
        for kind in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc-web-text",
            "application/grpc-web-text+proto",
        ] {
            let body = if kind.contains("text") { Base64::encode_to_string([0; 5]).unwrap() } else { "\0".repeat(5) };
            let post = |headers: &str| {
                format!(
                    "POST /shop.Cart/Call HTTP/1.1\r\nhost: shop\r\ncontent-type: {kind}\r\naccept: {kind}\r\n\
                     x-grpc-web: 1\r\norigin: https://shop\r\n{headers}content-length: {}\r\n\r\n{body}",
                    body.len()
                )
            };
            let answer = raw::exchange(envoy.data(), post("").as_bytes()).await.unwrap();
            let headers: Vec<_> =
                answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.escape_ascii())).collect();
            let case = format!("{name}, {kind}: {headers:?} {}", answer.body.escape_ascii());
            // Envoy's filter hides from Envoy that this is gRPC, and makes of a 503 what it is in gRPC-Web.
            assert_eq!(answer.status, if name == "before ours" { 503 } else { 200 }, "{case}");
            assert!(answer.header("content-type").is_some_and(|is| is.starts_with("application/grpc-web")), "{case}");
            let status = grpc_web_status(&answer);
            assert_eq!(status.get("grpc-status").map(String::as_str), Some("14"), "{case}");
            let told = status.get("grpc-message").map(|text| text.replace("%20", " "));
            assert_eq!(told.as_deref(), Some(message), "{case}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop"), "{case}");
            assert!(
                answer.header("access-control-expose-headers").is_some_and(|names| names.contains("grpc-status")),
                "{case}"
            );
            assert_eq!(answer.header("x-maintenance-mode"), Some("offline"), "{case}");

            // The call itself is a good one: through Envoy's filter it gets an answer from the application.
            if name != "without" {
                let answer = raw::exchange(envoy.data(), post("x-staff: yes\r\n").as_bytes()).await.unwrap();
                let status = grpc_web_status(&answer);
                assert_eq!(status.get("grpc-status").map(String::as_str), Some("0"), "{name}, {kind}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_envoy_does_not_take_for_grpc_is_told_in_its_own_terms() {
    let app = App::start();
    let envoy = closed(&app).start().await;
    for (headers, status, grpc_status, body) in [
        ("content-type: application/grpc; charset=utf-8", 503, Some("14"), ""),
        ("content-type: APPLICATION/GRPC", 503, Some("14"), ""),
        (
            "content-type: application/connect+proto",
            503,
            None,
            r#"{"code":"unavailable","message":"shop is closed for maintenance: Database upgrade"}"#,
        ),
        (
            "content-type: application/proto\r\nconnect-protocol-version: 1",
            503,
            None,
            r#"{"code":"unavailable","message":"shop is closed for maintenance: Database upgrade"}"#,
        ),
    ] {
        let request = format!("POST /a HTTP/1.1\r\nhost: shop\r\n{headers}\r\ncontent-length: 0\r\n\r\n");
        let answer = raw::exchange(envoy.data(), request.as_bytes()).await.unwrap();
        let seen = (answer.status, answer.header("grpc-status"), answer.text());
        assert_eq!(seen, (status, grpc_status, body.to_owned()), "{headers}");
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn a_web_socket_is_refused_with_the_503_and_staff_gets_through() {
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
async fn a_web_socket_to_a_read_only_site_is_refused_although_it_begins_with_a_get() {
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

/// An Envoy without the filter in front of another, which tries four times on these conditions.
async fn in_front(of: &Envoy, retry_on: &'static str) -> Envoy {
    let policy = json!({
        "retry_on": retry_on,
        "num_retries": 3,
        "retriable_status_codes": [503, 200],
        "retry_back_off": { "base_interval": "0.001s", "max_interval": "0.002s" },
    });
    Envoy::builder(of.data())
        .upstream_h2()
        .manager(move |manager| {
            let route: &mut Value = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
            route["retry_policy"] = policy.clone();
        })
        .start()
        .await
}

#[tokio::test]
async fn an_envoy_in_front_tries_once() {
    let app = App::start();
    let back = closed(&app).start().await;
    let http = ["5xx", "gateway-error", "retriable-status-codes"];
    let all = "5xx,gateway-error,retriable-status-codes,reset,connect-failure,refused-stream,unavailable,\
               cancelled,deadline-exceeded,internal,resource-exhausted";
    let tries = async |front: &Envoy, grpc: bool, staff: bool| {
        let before = back.stat("http.data.downstream_rq_total").await;
        if grpc {
            assert_eq!(call(front, "unary", staff).await.unwrap_err().code(), Code::Unavailable);
        } else {
            let request = client::h1().get(front.url("/")).header("x-staff", if staff { "yes" } else { "no" });
            assert_eq!(request.send().await.unwrap().status(), 503);
        }
        back.stat("http.data.downstream_rq_total").await - before
    };
    let mut fronts = Vec::new();
    for retry_on in http {
        fronts.push((retry_on, false, in_front(&back, retry_on).await));
    }
    fronts.push((all, false, in_front(&back, all).await));
    fronts.push(("unavailable", true, in_front(&back, "unavailable").await));
    fronts.push((all, true, in_front(&back, all).await));

    for (retry_on, grpc, front) in &fronts {
        assert_eq!(tries(front, *grpc, false).await, 1, "retries on {retry_on}, gRPC: {grpc}");
    }
    assert_eq!(app.hits(), 0);

    // The same fronts do retry what is a failure and no refusal.
    drop(app);
    eventually("the application is down", async || {
        let answer = client::h1().get(back.url("/")).header("x-staff", "yes").send().await.unwrap();
        (answer.status() == 503).then_some(())
    })
    .await;
    for (retry_on, grpc, front) in &fronts {
        assert_eq!(tries(front, *grpc, true).await, 4, "retries on {retry_on}, gRPC: {grpc}");
    }
}
