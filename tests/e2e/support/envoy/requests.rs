//! Requests to the admin and control endpoints of a running Envoy.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Envoy;
use crate::support::eventually;

impl Envoy {
    /// The value of a counter or gauge, or 0 if it does not exist.
    pub async fn stat(&self, name: &str) -> u64 {
        self.stats(name).await.get(name).copied().unwrap_or(0)
    }

    /// The counters and gauges whose name contains `part`.
    pub async fn stats(&self, part: &str) -> BTreeMap<String, u64> {
        let text = self.admin(Method::GET, &format!("/stats?filter={}", part.replace('.', "%5C."))).await;
        let line =
            |line: &str| line.split_once(": ").and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        text.lines().filter_map(line).collect()
    }

    /// The body of a response of the admin endpoint, whose status must be 200.
    pub async fn admin(&self, method: Method, path: &str) -> String {
        let (status, body) = request(self.admin.expect("a running Envoy"), method.clone(), path, &[]).await.unwrap();
        assert_eq!(status, 200, "{method} {path}: {body}");
        body
    }

    /// Sends a request to the control endpoint and returns the status and the JSON body. `path` follows the prefix.
    pub async fn control(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let path = format!("{}{path}", self.settings.control_prefix.as_ref().expect("a control listener"));
        let (status, body) = request(self.listener("control"), method, &path, headers).await.unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Pushes a signed document of a site.
    pub async fn push(&self, site: &str, document: &str) -> (u16, Value) {
        self.control(Method::PUT, &format!("/v1/sites/{site}"), &[("x-maintenance-document", document)]).await
    }

    /// The entry of a site in the status document.
    pub async fn site(&self, name: &str) -> Value {
        let (status, answer) = self.control(Method::GET, "/v1/status", &[]).await;
        assert_eq!(status, 200, "{answer}");
        answer["sites"].as_array().unwrap().iter().find(|site| site["site"] == name).cloned().unwrap_or_default()
    }

    /// The `workers` of a site's status when every worker has adopted.
    pub fn all_adopted(&self) -> Value {
        json!({ "members": self.settings.workers, "adopted": self.settings.workers })
    }

    /// Waits until every worker is a member and has adopted the current document of a site.
    pub async fn wait_for_workers(&self, site: &str) {
        eventually(&format!("every worker has adopted the document of {site}"), async || {
            (self.site(site).await["workers"] == self.all_adopted()).then_some(())
        })
        .await;
    }

    /// Waits until every worker has adopted this revision of a site.
    pub async fn wait_adopted(&self, site: &str, revision: &Value) {
        eventually(&format!("every worker has adopted revision {revision} of {site}"), async || {
            let seen = self.site(site).await;
            // A worker becomes a member on its first tick.
            (&seen["revision"] == revision && seen["workers"] == self.all_adopted()).then_some(())
        })
        .await;
    }
}

pub(super) async fn request(
    to: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Option<(u16, String)> {
    let stream = TcpStream::connect(to).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", to.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await.ok()?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}
