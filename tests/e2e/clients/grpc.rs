//! gRPC, gRPC-Web and Connect clients.

use std::collections::BTreeMap;

use ct_codecs::{Base64, Decoder as _, Encoder as _};
use serde_json::json;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{closed, in_mode};
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::{filters, raw};

/// A codec of messages without fields.
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

/// Makes a call of this kind and reads the response to its end.
pub(super) async fn call(envoy: &Envoy, kind: &str, staff: bool) -> Result<(), Status> {
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
async fn grpc_calls_fail_with_unavailable_and_a_message() {
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
async fn the_grpc_message_is_short_and_printable_for_any_reason() {
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
async fn a_read_only_site_refuses_grpc() {
    let app = App::start();
    let envoy = in_mode(&app, "read_only").start().await;
    let status = call(&envoy, "unary", false).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "shop is read-only for maintenance: Database upgrade");
    assert_eq!(app.hits(), 0);
}

/// `grpc-status` and `grpc-message` as a gRPC-Web client reads them: from the headers of a response without messages,
/// or else from the trailers in the body.
fn grpc_web_status(response: &raw::Response) -> BTreeMap<String, String> {
    let mut status: BTreeMap<_, _> = response
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("grpc-"))
        .map(|(name, value)| (name.clone(), String::from_utf8(value.clone()).unwrap()))
        .collect();
    let body = match response.header("content-type") {
        Some(kind) if kind.starts_with("application/grpc-web-text") => {
            // Each frame may have its own padding.
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
    assert!(rest.is_empty(), "bytes after the last frame: {response:?}");
    status
}

#[tokio::test]
async fn grpc_web_calls_fail_with_unavailable_with_and_without_envoys_filter() {
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
            // With Envoy's filter first, Envoy does not take the request for gRPC; that filter translates the 503.
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

            // The same call with exemption succeeds through Envoy's filter.
            if name != "without" {
                let answer = raw::exchange(envoy.data(), post("x-staff: yes\r\n").as_bytes()).await.unwrap();
                let status = grpc_web_status(&answer);
                assert_eq!(status.get("grpc-status").map(String::as_str), Some("0"), "{name}, {kind}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn connect_and_other_spellings_of_grpc_get_a_503_in_their_own_form() {
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
