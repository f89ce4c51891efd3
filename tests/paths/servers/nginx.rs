//! nginx (1.22, on Unix): `location` matching and the path that `proxy_pass` forwards. A whole-program test compares
//! the model with a real nginx.

use super::Server;
use super::steps::hex;

/// nginx as a server.
pub const SERVERS: &[Server] = &[Server::new("nginx", location)];

/// The path that `location` and `rewrite` see, which is also the path that a `proxy_pass` with a URI starts from
/// (`ngx_http_parse_request_line` and `ngx_http_parse_complex_uri` in ngx_http_parse.c): decoded once, slashes merged,
/// dots resolved, ended at a raw `#`. `None` means 400.
pub fn location(path: &[u8]) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") || path.iter().any(|byte| matches!(byte, 0..=0x20 | 0x7f)) {
        return None;
    }
    let mut uri: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(first) = path.get(at) {
        let byte = match first {
            b'#' => break,
            b'%' => {
                at += 2;
                hex(path, at - 1).filter(|byte| *byte != 0)?
            }
            first => *first,
        };
        at += 1;
        if byte == b'/' {
            end_segment(&mut uri)?;
            if uri.last() == Some(&b'/') {
                continue;
            }
        }
        uri.push(byte);
    }
    end_segment(&mut uri)?;
    Some(uri)
}

/// Resolves trailing dots of a path; `None` if they leave the root.
fn end_segment(uri: &mut Vec<u8>) -> Option<()> {
    if uri.ends_with(b"/..") {
        let parent = uri.len().checked_sub(3).filter(|slash| *slash > 0)?;
        let slash = uri[..parent].iter().rposition(|byte| *byte == b'/')?;
        uri.truncate(slash + 1);
    } else if uri.ends_with(b"/.") {
        uri.pop();
    }
    Some(())
}

/// The path that `location / { proxy_pass http://app/; }` forwards: the result of [`location`], escaped if anything was
/// encoded
/// (`ngx_http_proxy_create_request`, `ngx_escape_uri`; since 1.21.1 with more characters).
pub fn forward(path: &[u8]) -> Option<Vec<u8>> {
    let uri = location(path)?;
    if !path.contains(&b'%') {
        return Some(uri);
    }
    let mut escaped = Vec::new();
    for byte in uri {
        match byte {
            0..=0x20 | b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{'..=b'}' | 0x7f.. => {
                escaped.extend(format!("%{byte:02X}").into_bytes());
            }
            byte => escaped.push(byte),
        }
    }
    Some(escaped)
}

/// The path that `location / { proxy_pass http://app; }` forwards: the unchanged path, if nginx accepts it.
#[allow(dead_code, reason = "only the tests with the real nginx use it")]
pub fn forward_unchanged(path: &[u8]) -> Option<Vec<u8>> {
    location(path).map(|_| path.to_vec())
}
