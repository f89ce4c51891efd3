//! The replies of gRPC, gRPC-Web and Connect: a status and a short message.

use super::variables::RefusalFacts;
use crate::state::Mode;

/// UNAVAILABLE (gRPC, "Status codes and their use in gRPC").
pub const UNAVAILABLE: u32 = 14;
/// The longest message, in characters.
const MAX_MESSAGE: usize = 200;
/// The flag of a frame that contains trailers (gRPC-Web, "Protocol differences").
const TRAILERS: u8 = 0x80;

/// The message: the site, its mode and the reason, in printable ASCII, because Envoy sends it as a header.
pub fn message(site: &str, facts: &RefusalFacts<'_>) -> String {
    let title = match facts.mode {
        Mode::ReadOnly => "is read-only for maintenance",
        Mode::Online | Mode::Offline => "is closed for maintenance",
    };
    let reason = facts.reason.map(|reason| format!(": {reason}"));
    format!("{site} {title}{}", reason.unwrap_or_default())
        .chars()
        .map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
        .take(MAX_MESSAGE)
        .collect()
}

/// The message as the value of `grpc-message`, percent-encoded (gRPC over HTTP/2, "Responses").
pub fn encoded_message(site: &str, facts: &RefusalFacts<'_>) -> String {
    message(site, facts).replace('%', "%25")
}

/// The last frame of a gRPC-Web response: the trailers. It is the whole body, because Envoy removes the content type of an
/// empty body, and some clients take an answer without a content type for a network error.
pub fn trailers(site: &str, facts: &RefusalFacts<'_>) -> Vec<u8> {
    let lines = format!("grpc-status: {UNAVAILABLE}\r\ngrpc-message: {}\r\n", encoded_message(site, facts));
    let mut frame = vec![TRAILERS];
    frame.extend_from_slice(&(lines.len() as u32).to_be_bytes());
    frame.extend_from_slice(lines.as_bytes());
    frame
}
