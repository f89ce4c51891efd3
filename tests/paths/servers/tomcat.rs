//! Tomcat 10: `CoyoteAdapter.postParseRequest`.

use super::Server;
use super::steps::{backslashes, cut_parameters, decode_strictly, merge, resolve_within_root};

/// Tomcat with its default settings, and with the most permissive ones.
pub const SERVERS: &[Server] = &[
    // encodedSolidusHandling and encodedReverseSolidusHandling "reject"; ALLOW_BACKSLASH false.
    Server::new("Tomcat", |path| read(path, false)),
    // Both "decode", and ALLOW_BACKSLASH, which reads a backslash as a slash.
    Server::new("Tomcat with encoded slashes and backslashes", |path| read(path, true)),
];

/// Cuts parameters off the raw path, decodes it once and normalizes it (Tomcat Configuration Reference, HTTP Connector;
/// `CoyoteAdapter.parsePathParameters`, `UDecoder.convert`, `CoyoteAdapter.normalize`). `None` means 400.
fn read(path: &[u8], allows_slashes: bool) -> Option<Vec<u8>> {
    let cut = cut_parameters(path);
    let is_rejected = |window: &[u8]| matches!(window.to_ascii_lowercase().as_slice(), b"%2f" | b"%5c");
    if !allows_slashes && (cut.windows(3).any(is_rejected) || cut.contains(&b'\\')) {
        return None;
    }
    let decoded = decode_strictly(&cut)?;
    if decoded.contains(&0) {
        return None;
    }
    resolve_within_root(&merge(&backslashes(&decoded)))
}
