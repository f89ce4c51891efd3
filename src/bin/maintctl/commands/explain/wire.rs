//! The response that a client gets for a local reply.

use envoy_maintenance::reply::LocalReply;
use envoy_maintenance::request::Request;

/// A response without the headers that Envoy adds to every response (`date`, `server`, `content-length`).
#[derive(Debug, PartialEq, Eq)]
pub struct ClientResponse {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl ClientResponse {
    /// The response to `request`, after Envoy's changes to the reply.
    pub fn of(reply: &LocalReply, request: &Request<'_>) -> ClientResponse {
        let mut headers: Vec<(String, String)> =
            reply.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let is_head = request.method == b"HEAD";
        let kind = request.headers.first("content-type").unwrap_or_default();
        let is_grpc = kind == b"application/grpc" || kind.starts_with(b"application/grpc+");
        if is_grpc {
            headers.retain(|(name, _)| name != "content-type");
            headers.push(("content-type".to_owned(), "application/grpc".to_owned()));
            let status = reply.grpc_status.unwrap_or_else(|| grpc_status(reply.status));
            headers.push(("grpc-status".to_owned(), status.to_string()));
            if !reply.body.is_empty() && !is_head {
                headers.push(("grpc-message".to_owned(), percent_encoded(&reply.body)));
            }
            return ClientResponse { status: 200, headers, body: Vec::new() };
        }
        if reply.body.is_empty() {
            headers.retain(|(name, _)| name != "content-type");
        } else if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), "text/plain".to_owned()));
        }
        let body = if is_head { Vec::new() } else { reply.body.to_vec() };
        ClientResponse { status: reply.status, headers, body }
    }
}

/// The gRPC status of an HTTP status, as in the gRPC specification.
fn grpc_status(status: u32) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// The encoding of `grpc-message`: printable ASCII except `%` is unchanged.
fn percent_encoded(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b' '..=b'~' if *byte != b'%' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}
