//! A model of Envoy's path normalization, which runs before all filters.

/// The settings of a connection manager that change paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// None of them.
    Defaults,
    /// `normalize_path`: Istio's `pathNormalization: BASE`.
    Base,
    /// `normalize_path`, `merge_slashes` and `path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT`.
    Shipped,
}

/// The outcome of the normalization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvoyAnswer {
    /// Filters get this path.
    Forward(Vec<u8>),
    /// Envoy redirects the client to this path.
    Redirect(Vec<u8>),
    /// Envoy responds with 400 or closes the connection.
    Reject,
}

/// The model of one Envoy.
#[derive(Clone, Copy, Debug)]
pub struct EnvoyModel {
    /// The settings of its connection manager.
    pub setting: Setting,
    /// True if Envoy cuts parameters off dot segments before it resolves them (`/..;x/`): 1.40.0 does, 1.36.4 does not.
    pub cuts_dot_parameters: bool,
}

impl EnvoyModel {
    /// Normalizes a path without a query, in the order of `ConnectionManagerUtility::maybeNormalizePath`
    /// (Envoy, source/common/http/conn_manager_utility.cc).
    pub fn receive(self, path: &[u8]) -> EnvoyAnswer {
        // HTTP/1 permits ASCII only; HTTP/2 permits other bytes. Envoy rejects `#` by default
        // (envoy.reloadable_features.http_reject_path_with_fragment).
        if !path.starts_with(b"/") || path.iter().any(|byte| matches!(byte, 0..=0x20 | 0x7f | b'#')) {
            return EnvoyAnswer::Reject;
        }
        if self.setting == Setting::Defaults {
            return EnvoyAnswer::Forward(path.to_vec());
        }
        let unescaped = if self.setting == Setting::Shipped { unescape_slashes(path) } else { path.to_vec() };
        let is_redirected = unescaped != path;
        let cut = if self.cuts_dot_parameters { cut_dot_parameters(&unescaped) } else { unescaped };
        let Some(mut normal) = canonicalize(&cut) else { return EnvoyAnswer::Reject };
        if self.setting == Setting::Shipped {
            normal = merge_slashes(&normal);
        }
        if is_redirected { EnvoyAnswer::Redirect(normal) } else { EnvoyAnswer::Forward(normal) }
    }

    /// The path that filters get in the end from a client that follows redirects.
    pub fn follow(self, path: &[u8]) -> Option<Vec<u8>> {
        let mut path = path.to_vec();
        for _ in 0..10 {
            match self.receive(&path) {
                EnvoyAnswer::Forward(seen) => return Some(seen),
                EnvoyAnswer::Redirect(next) => path = next,
                EnvoyAnswer::Reject => return None,
            }
        }
        None
    }
}

/// Decodes encoded slashes and backslashes, once (`PathUtil::unescapeSlashes`).
fn unescape_slashes(path: &[u8]) -> Vec<u8> {
    let mut unescaped = Vec::new();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        (rest, _) = match rest {
            [b'%', b'2', b'f' | b'F', after @ ..] => (after, unescaped.push(b'/')),
            [b'%', b'5', b'c' | b'C', after @ ..] => (after, unescaped.push(b'\\')),
            _ => (after, unescaped.push(*first)),
        };
    }
    unescaped
}

/// Cuts parameters off dot segments, without decoding anything and without reading `\` as a slash.
fn cut_dot_parameters(path: &[u8]) -> Vec<u8> {
    let cut = |segment: &[u8]| match segment {
        [b'.', b'.', b';', ..] => b"..".to_vec(),
        [b'.', b';', ..] => b".".to_vec(),
        segment => segment.to_vec(),
    };
    path.split(|byte| *byte == b'/').map(cut).collect::<Vec<_>>().join(&b'/')
}

/// Merges slashes (`PathUtil::mergeSlashes`), which keeps `//` if the path consists of slashes only.
fn merge_slashes(path: &[u8]) -> Vec<u8> {
    if !path.windows(2).any(|pair| pair == b"//") {
        return path.to_vec();
    }
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty()).collect();
    let end = if path.ends_with(b"/") { "/" } else { "" };
    [b"/", segments.join(&b'/').as_slice(), end.as_bytes()].concat()
}

/// Chromium's `url::CanonicalizePath` (url/url_canon_path.cc in Chromium), as Envoy's `normalize_path` calls it:
/// decodes unreserved characters, reads `\` as `/`, resolves dot segments, and escapes characters that a path must not
/// have. It rejects an encoded NUL. It decodes once, and escapes a decoded percent sign that would start a new escape.
fn canonicalize(path: &[u8]) -> Option<Vec<u8>> {
    let is_slash = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
    let mut output = Vec::new();
    let mut bad_percent: Option<usize> = None;
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let dot = dot_len(path, at);
        if dot > 0 && output.last() == Some(&b'/') {
            let after = at + dot;
            let second = dot_len(path, after);
            let ends = |at: usize| at == path.len() || is_slash(path.get(at));
            if ends(after) {
                at = after + 1;
                continue;
            }
            if second > 0 && ends(after + second) {
                back_up(&mut output);
                bad_percent = bad_percent.filter(|percent| *percent < output.len());
                at = after + second + 1;
                continue;
            }
        }
        if dot > 0 {
            output.push(b'.');
            at += dot;
            continue;
        }
        at += 1;
        match byte {
            b'\\' => output.push(b'/'),
            b'%' => match hex(path, at) {
                Some(0) => return None,
                Some(value) => {
                    at += 2;
                    if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'_' | b'~') {
                        output.push(value);
                        if let Some(percent) = bad_percent.filter(|percent| percent + 3 >= output.len()) {
                            keep_escaped(&mut output, percent, path.get(at));
                        }
                    } else {
                        output.extend([b'%', path[at - 2], path[at - 1]]);
                    }
                }
                None => {
                    bad_percent = Some(output.len());
                    output.push(b'%');
                }
            },
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                output.extend(format!("%{byte:02X}").into_bytes());
            }
            byte => output.push(*byte),
        }
    }
    Some(output)
}

/// The length of the dot (`.` or `%2e`) at this position, or 0.
fn dot_len(path: &[u8], at: usize) -> usize {
    match path.get(at..).unwrap_or_default() {
        [b'.', ..] => 1,
        [b'%', b'2', b'e' | b'E', ..] => 3,
        _ => 0,
    }
}

fn hex(path: &[u8], at: usize) -> Option<u8> {
    let digits = path.get(at..at + 2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Removes the last segment of a path that ends with a slash.
fn back_up(output: &mut Vec<u8>) {
    if output.len() > 1 {
        output.pop();
        let slash = output.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        output.truncate(slash + 1);
    }
}

/// Escapes a percent sign that starts an escape only after a later character was decoded (`CheckForNestedEscapes`).
fn keep_escaped(output: &mut Vec<u8>, percent: usize, next: Option<&u8>) {
    let mut tail = output[percent..].to_vec();
    if tail.len() == 2 {
        match next {
            Some(next) if next.is_ascii() => tail.push(*next),
            _ => return,
        }
    }
    if hex(&tail, 1).is_some() {
        output.splice(percent..=percent, *b"%25");
    }
}
