//! Servers whose models take a line or two each.

use super::Server;
use super::steps::{
    backslashes, cut_parameters, decode, decode_strictly, end_at, merge, remove, resolve, resolve_within_root,
};

/// The models.
pub const SERVERS: &[Server] = &[
    // Routes by the unchanged path: Express (`parseurl`), HAProxy's `path`, Envoy's own routes.
    Server::new("no normalization", |path| Some(path.to_vec())),
    // Rails, `Journey::Router::Utils.normalize_path`, does not decode before it routes.
    Server::new("merges slashes, decodes nothing", |path| Some(merge(path))),
    // PEP 3333: PATH_INFO is decoded; wsgiref, uWSGI and Django do nothing else.
    Server::new("WSGI", |path| Some(decode(path))),
    // gunicorn parses the target with `urllib.parse.urlsplit`, which removes tabs and newlines and ends at `#`.
    Server::new("WSGI in gunicorn", |path| Some(decode(&end_at(&remove(path, b"\t\r\n"), b"#")))),
    // Werkzeug, `Map(merge_slashes=True)`: Flask.
    Server::new("decodes, merges slashes", |path| Some(merge(&decode(path)))),
    // A proxy that decodes without encoding again, or an application that decodes a decoded path.
    Server::new("decodes twice", |path| Some(decode(&decode(path)))),
    Server::new("decodes twice, merges slashes, resolves dots", |path| Some(resolve(&merge(&decode(&decode(path)))))),
    Server::new("decodes three times", |path| Some(decode(&decode(&decode(path))))),
    // HTTP.sys, "cookedUrl": decodes, reads `\` as `/`, resolves dots. Here with allowDoubleEscaping.
    Server::new("reads a backslash as a slash", |path| Some(resolve(&backslashes(&decode(path))))),
    Server::new("reads a backslash as a slash, merges slashes", |path| {
        Some(resolve(&merge(&backslashes(&decode(path)))))
    }),
    Server::new("reads a backslash as a slash, decodes nothing", |path| Some(resolve(&backslashes(path)))),
    // IIS: `%uXXXX` (MS-HTTPU), and decoders that do not check the length of UTF-8 (RFC 3629 section 10).
    Server::new("decodes wide forms", |path| Some(resolve(&backslashes(&decode_wide(path))))),
    // RFC 3986 section 5.2.4, before and after decoding; slashes are not merged.
    Server::new("resolves dots", |path| Some(resolve(path))),
    Server::new("decodes, resolves dots", |path| Some(resolve(&decode(path)))),
    Server::new("resolves dots, decodes", |path| Some(decode(&resolve(path)))),
    // Go, net/http.ServeMux: url.ParseRequestURI, then cleanPath.
    Server::new("Go ServeMux", |path| {
        if path.iter().any(|byte| matches!(byte, 0..=0x1f | 0x7f)) {
            return None;
        }
        Some(clean(&decode_strictly(path)?))
    }),
    // Apache httpd with AllowEncodedSlashes On: ap_normalize_path; ends at `#` (apr_uri_parse), rejects NUL.
    Server::new("Apache httpd", |path| {
        let decoded = decode_strictly(&end_at(path, b"#"))?;
        (!decoded.contains(&0)).then(|| merge(&decoded)).and_then(|merged| resolve_within_root(&merged))
    }),
    // ASP.NET Core, Kestrel: decodes all but %2F, rejects NUL, resolves dots, does not merge slashes.
    Server::new("Kestrel", |path| {
        let kept = replace(&replace(path, b"%2f", b"%252F"), b"%2F", b"%252F");
        let decoded = decode(&kept);
        (!decoded.contains(&0)).then(|| resolve(&decoded))
    }),
    // Spring, UrlPathHelper: cuts parameters, decodes, merges slashes.
    Server::new("Spring UrlPathHelper", |path| Some(merge(&decode(&cut_parameters(path))))),
    // UrlPathHelper, with an application that decodes again.
    Server::new("cuts parameters, decodes twice", |path| Some(merge(&decode(&decode(&cut_parameters(path)))))),
    Server::new("decodes, cuts parameters, decodes", |path| Some(merge(&decode(&cut_parameters(&decode(path)))))),
    Server::new("decodes, cuts parameters", |path| Some(cut_parameters(&decode(path)))),
    // A path as a C string (RFC 3986 section 7.3), and URL parsers of a decoded path.
    Server::new("ends at NUL", |path| Some(end_at(&decode(path), b"\0"))),
    Server::new("ends at #", |path| Some(end_at(path, b"#"))),
    Server::new("ends at # after decoding", |path| Some(end_at(&decode(path), b"#"))),
    Server::new("ends at ? after decoding", |path| Some(end_at(&decode(path), b"?"))),
];

/// Go's path.Clean, but with the trailing slash, as ServeMux does.
fn clean(path: &[u8]) -> Vec<u8> {
    let resolved = resolve(&merge(path));
    let mut clean = resolved.strip_suffix(b"/").unwrap_or(&resolved).to_vec();
    if path.ends_with(b"/") || clean.is_empty() {
        clean.push(b'/');
    }
    clean
}

fn replace(path: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        match rest.strip_prefix(from) {
            Some(tail) => {
                replaced.extend(to);
                rest = tail;
            }
            None => {
                replaced.push(*first);
                rest = tail;
            }
        }
    }
    replaced
}

/// Decodes percent-encoding, `%uXXXX`, and overlong UTF-8 of ASCII, once each.
pub fn decode_wide(path: &[u8]) -> Vec<u8> {
    if !path.contains(&b'%') {
        return shorten(path);
    }
    let mut wide = Vec::new();
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let code = match rest {
            [b'%', b'u' | b'U', digits @ ..] => digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok()),
            _ => None,
        };
        match code.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                wide.extend(letter.to_string().into_bytes());
                rest = &rest[6..];
            }
            None => {
                wide.push(*first);
                rest = tail;
            }
        }
    }
    shorten(&decode(&wide))
}

/// Replaces overlong UTF-8 of ASCII characters by ASCII.
fn shorten(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_ascii() {
        return bytes.to_vec();
    }
    let mut short = Vec::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        (rest, _) = match rest {
            [0xc0 | 0xc1, low @ 0x80..=0xbf, tail @ ..] => (tail, short.push((first & 1) << 6 | low & 0x3f)),
            [0xe0, middle @ 0x80..=0x81, low @ 0x80..=0xbf, tail @ ..] => {
                (tail, short.push((middle & 1) << 6 | low & 0x3f))
            }
            _ => (tail, short.push(*first)),
        };
    }
    short
}
