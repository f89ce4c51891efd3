//! The application behind Envoy. It counts requests; the `x-app` header of a request selects the response.
//!
//! | `x-app` | response |
//! |---|---|
//! | absent | 200 `app` |
//! | `echo` | 200 with the request as JSON: `{"method", "path", "headers": {"name": ["value", …]}}`, invalid UTF-8 is replaced |
//! | `hold` | 200 `app`, after [`App::release`] |
//! | `stream` | 200 with `first` at once and `last` after [`App::release`] |
//! | a status code | that status, `app` |
//!
//! A WebSocket gets its messages back; a gRPC call gets one empty message and `grpc-status: 0`. The application serves
//! HTTP/1.1 and HTTP/2 without TLS on one port, on a thread of its own.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The running application. Dropping it stops the application.
pub struct App {
    address: SocketAddr,
    state: Arc<State>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct State {
    hits: Mutex<HashMap<String, u64>>,
    released: watch::Sender<bool>,
}

impl App {
    /// Starts the application on a free port.
    pub fn start() -> App {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { hits: Mutex::default(), released: watch::Sender::new(false) });
        let shared = state.clone();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        App { address, state, runtime: Some(runtime) }
    }

    /// The address of the application.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests so far.
    pub fn hits(&self) -> u64 {
        self.state.hits.lock().unwrap().values().sum()
    }

    /// The number of requests so far with this path, not counting the query.
    pub fn hits_of(&self, path: &str) -> u64 {
        self.state.hits.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    /// The paths of the requests so far, without the query.
    pub fn paths(&self) -> Vec<String> {
        self.state.hits.lock().unwrap().keys().cloned().collect()
    }

    /// Completes all `hold` and `stream` responses, and those of later requests.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = hyper::service::service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
    });
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // The error of a client that disconnects early is of no interest.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: &State) -> Response<Body> {
    *state.hits.lock().unwrap().entry(request.uri().path().to_owned()).or_default() += 1;
    let headers = request.headers();
    if headers.contains_key(SEC_WEBSOCKET_KEY) {
        return web_socket(request);
    }
    if headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return grpc();
    }
    let mut released = state.released.subscribe();
    match headers.get("x-app").map_or("", |value| value.to_str().unwrap_or("")) {
        "" => text(StatusCode::OK, "app"),
        "echo" => echo(&request),
        "hold" => {
            let _ = released.wait_for(|released| *released).await;
            text(StatusCode::OK, "app")
        }
        "stream" => {
            let last = async move {
                let _ = released.wait_for(|released| *released).await;
                frame("last")
            };
            let frames = futures::stream::iter([frame("first")]).chain(futures::stream::once(last));
            Response::new(BodyExt::boxed(StreamBody::new(
                Box::pin(frames) as std::pin::Pin<Box<dyn futures::Stream<Item = _> + Send + Sync>>
            )))
        }
        status => text(status.parse().expect("x-app is a known word or a status code"), "app"),
    }
}

fn frame(text: &'static str) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    Response::builder().status(status).header(CONTENT_TYPE, "text/plain").body(Full::from(body).boxed()).unwrap()
}

fn echo(request: &Request<Incoming>) -> Response<Body> {
    let mut headers = BTreeMap::<&str, Vec<_>>::new();
    for (name, value) in request.headers() {
        headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()));
    }
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let body = json!({ "method": request.method().as_str(), "path": path, "headers": headers }).to_string();
    Response::builder().header(CONTENT_TYPE, "application/json").body(Full::from(body).boxed()).unwrap()
}

fn grpc() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = [Ok(Frame::data(Bytes::from_static(&[0; 5]))), Ok(Frame::trailers(trailers))];
    let body = BodyExt::boxed(StreamBody::new(futures::stream::iter(frames)));
    Response::builder().header(CONTENT_TYPE, "application/grpc").body(body).unwrap()
}

fn web_socket(mut request: Request<Incoming>) -> Response<Body> {
    let accept = derive_accept_key(request.headers()[SEC_WEBSOCKET_KEY].as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if !(message.is_text() || message.is_binary()) || socket.send(message).await.is_err() {
                break;
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Full::from("").boxed())
        .unwrap()
}
