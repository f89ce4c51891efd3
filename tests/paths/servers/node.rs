//! Node: `new URL(request.url, 'http://' + request.headers.host)`, the WHATWG URL parser.
//!
//! The model agrees with Node 20.20 on 60,000 generated paths, except for names that IDNA changes, and for some paths
//! with `/./` and `/../` that Node keeps if another segment starts with a dot.

use super::steps::{backslashes, decode, decode_strictly, end_at, hex, remove, trim_end};
use super::{SeenPath, Server};

/// Node, with and without a `decodeURIComponent`.
pub const SERVERS: &[Server] = &[
    Server::with_host("Node, new URL", parse),
    Server::with_host("Node, new URL and decodeURIComponent", |path| {
        let SeenPath { host, path } = parse(path)?;
        let path = decode_strictly(&path).filter(|decoded| std::str::from_utf8(decoded).is_ok())?;
        Some(SeenPath { host, path })
    }),
    // A path that is decoded before it is parsed may contain a host: new URL(decodeURIComponent(request.url), …).
    Server::with_host("Node, decodeURIComponent before new URL", |path| {
        parse(&decode_strictly(path).filter(|decoded| std::str::from_utf8(decoded).is_ok())?)
    }),
];

/// The basic URL parser (WHATWG URL, section 4.4) of a relative reference to an `http` base: `pathname`, and `hostname`
/// if the reference has one. `None` means that it throws.
pub fn parse(reference: &[u8]) -> Option<SeenPath> {
    let start = reference.iter().position(|byte| *byte > 0x20).unwrap_or(reference.len());
    let rest = end_at(&remove(&trim_end(&reference[start..]), b"\t\r\n"), b"#?");
    let rest = backslashes(&rest);
    let Some(authority) = rest.strip_prefix(b"//") else {
        return Some(SeenPath { host: None, path: pathname(&rest) });
    };
    // The "special authority ignore slashes" state.
    let start = authority.iter().position(|byte| *byte != b'/').unwrap_or(authority.len());
    let authority = &authority[start..];
    let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
    let (authority, path) = authority.split_at(end);
    Some(SeenPath { host: Some(hostname(authority)?), path: pathname(path) })
}

/// The host of an authority (sections 3.5 and 4.4): without user and port, decoded, in lower case. Of IDNA (UTS #46),
/// only fullwidth forms, other full stops and ignored characters are modelled; other characters result in another name.
fn hostname(authority: &[u8]) -> Option<String> {
    let host = authority.iter().rposition(|byte| *byte == b'@').map_or(authority, |at| &authority[at + 1..]);
    let (host, port) = match host.iter().position(|byte| *byte == b':') {
        Some(colon) => (&host[..colon], &host[colon + 1..]),
        None => (host, &b""[..]),
    };
    let is_port = port.iter().all(u8::is_ascii_digit) && port.len() < 10;
    let number: u32 = std::str::from_utf8(port).ok()?.parse().unwrap_or(0);
    if !is_port || number > 65535 {
        return None;
    }
    let text = String::from_utf8(decode(host)).ok()?;
    let mapped = |letter: char| match letter {
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => Some('.'),
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0),
        letter => Some(letter),
    };
    let name = text.chars().filter_map(mapped).collect::<String>().to_lowercase();
    let is_forbidden = |letter: char| letter <= ' ' || "#/:<>?@[\\]^|%\u{7f}".contains(letter);
    (!name.is_empty() && !name.contains(is_forbidden)).then_some(name)
}

/// The path states of the parser (section 4.4): resolves dots in all spellings and encodes special characters.
fn pathname(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    let mut parts = path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let is_up = dots(part) == Some(2);
        if is_up {
            segments.pop();
        }
        match dots(part) {
            Some(1 | 2) if is_last => segments.push(Vec::new()),
            Some(1 | 2) => {}
            _ => segments.push(encode(part)),
        }
    }
    [b"/", segments.join(&b'/').as_slice()].concat()
}

/// The number of dots of a segment of dots, which may be encoded (`%2e`).
fn dots(segment: &[u8]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    while at < segment.len() {
        at += match segment[at] {
            b'.' => 1,
            b'%' if hex(segment, at + 1) == Some(b'.') => 3,
            _ => return None,
        };
        count += 1;
    }
    Some(count)
}

/// The path percent-encode set (section 1.3).
fn encode(segment: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in segment {
        match byte {
            0..=0x20 | b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'}' | 0x7f.. => {
                encoded.extend(format!("%{byte:02X}").into_bytes());
            }
            byte => encoded.push(*byte),
        }
    }
    encoded
}
