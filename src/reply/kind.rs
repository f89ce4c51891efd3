//! The kind of a reply: chosen by the client's protocol, its headers and the policy.

use super::accept::AcceptPreference;
use crate::request::HeaderMap;

/// The kind of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// A page.
    Html,
    /// Problem details (RFC 9457).
    Json,
    /// Plain text.
    Text,
    /// Headers without a body.
    Bare,
    /// A redirect.
    Redirect,
    /// The answer to a CORS preflight, so that the script can read the refusal of the request that follows.
    Preflight,
    /// gRPC: Envoy turns the reply into a trailers-only response.
    Grpc,
    /// gRPC with a content type that Envoy does not recognize.
    GrpcPlain,
    /// gRPC-Web.
    GrpcWeb,
    /// gRPC-Web in base64.
    GrpcWebText,
    /// An error of the Connect protocol.
    Connect,
}

/// Values of `sec-fetch-dest` whose requests never show a page (Fetch Metadata Request Headers, section 2.1).
const ASSETS: [&[u8]; 12] = [
    b"audio",
    b"audioworklet",
    b"font",
    b"image",
    b"paintworklet",
    b"script",
    b"serviceworker",
    b"sharedworker",
    b"style",
    b"track",
    b"video",
    b"worker",
];

impl ReplyKind {
    /// The kind that the client's protocol requires: one of gRPC, gRPC-Web and Connect; none for plain HTTP.
    pub fn of_protocol(headers: &HeaderMap) -> Option<ReplyKind> {
        let content_type = headers.first("content-type").unwrap_or_default();
        let begins = |start: &str| {
            content_type.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
        };
        // Envoy's own test for gRPC (source/common/grpc/common.cc, `hasGrpcContentType`).
        if content_type == b"application/grpc" || content_type.starts_with(b"application/grpc+") {
            Some(ReplyKind::Grpc)
        } else if begins("application/grpc-web-text") {
            Some(ReplyKind::GrpcWebText)
        } else if begins("application/grpc-web") {
            Some(ReplyKind::GrpcWeb)
        } else if begins("application/grpc") {
            Some(ReplyKind::GrpcPlain)
        } else if begins("application/connect+") || headers.first("connect-protocol-version").is_some() {
            Some(ReplyKind::Connect)
        } else {
            None
        }
    }

    /// The kind that the client prefers.
    pub fn negotiate(headers: &HeaderMap) -> ReplyKind {
        // Browsers accept `*/*` for scripts and style sheets; only this header tells these apart.
        if headers.first("sec-fetch-dest").is_some_and(|destination| ASSETS.contains(&destination)) {
            return ReplyKind::Bare;
        }
        match AcceptPreference::read(headers.all("accept")) {
            AcceptPreference::Html => ReplyKind::Html,
            AcceptPreference::Text => ReplyKind::Text,
            AcceptPreference::Media => ReplyKind::Bare,
            AcceptPreference::Other => ReplyKind::Json,
        }
    }

    /// True if the client speaks gRPC or gRPC-Web.
    pub fn is_grpc(self) -> bool {
        matches!(self, ReplyKind::Grpc | ReplyKind::GrpcPlain | ReplyKind::GrpcWeb | ReplyKind::GrpcWebText)
    }

    /// The content type of the reply. Envoy sets that of [`ReplyKind::Grpc`].
    pub fn content_type(self) -> Option<&'static str> {
        match self {
            ReplyKind::Html => Some("text/html; charset=utf-8"),
            ReplyKind::Text => Some("text/plain; charset=utf-8"),
            ReplyKind::Json => Some("application/problem+json"),
            ReplyKind::Bare | ReplyKind::Redirect | ReplyKind::Preflight | ReplyKind::Grpc => None,
            ReplyKind::GrpcPlain => Some("application/grpc"),
            ReplyKind::GrpcWeb => Some("application/grpc-web+proto"),
            ReplyKind::GrpcWebText => Some("application/grpc-web-text+proto"),
            ReplyKind::Connect => Some("application/json"),
        }
    }
}
