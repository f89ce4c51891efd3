//! Steps of path normalization that the models of servers share. The search runs them millions of times.

/// Decodes valid percent-encoding once and keeps the rest (WHATWG URL, percent-decode; Python's `unquote`).
pub fn decode(path: &[u8]) -> Vec<u8> {
    decode_where(path, |_| true)
}

/// Decodes the selected bytes once.
fn decode_where(path: &[u8], is_decoded: impl Fn(&u8) -> bool) -> Vec<u8> {
    if !path.contains(&b'%') {
        return path.to_vec();
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let value = if *byte == b'%' { hex(path, at + 1) } else { None };
        let value = value.filter(&is_decoded);
        decoded.push(value.unwrap_or(*byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Decodes once; `None` if the path has invalid percent-encoding.
pub fn decode_strictly(path: &[u8]) -> Option<Vec<u8>> {
    if !path.contains(&b'%') {
        return Some(path.to_vec());
    }
    let is_good = |at: usize| path[at] != b'%' || hex(path, at + 1).is_some();
    (0..path.len()).all(is_good).then(|| decode(path))
}

/// Decodes unreserved characters, which are equivalent in both forms (RFC 3986 section 6.2.2.2).
pub fn decode_unreserved(path: &[u8]) -> Vec<u8> {
    decode_where(path, |value| value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~'))
}

/// The byte that two hexadecimal digits at this position encode.
pub fn hex(path: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*path.get(at)?).to_digit(16);
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

/// Replaces backslashes by slashes.
pub fn backslashes(path: &[u8]) -> Vec<u8> {
    if !path.contains(&b'\\') {
        return path.to_vec();
    }
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

/// Merges adjacent slashes.
pub fn merge(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, last| *next == b'/' && *last == b'/');
    merged
}

/// Cuts off everything from the first of these bytes.
pub fn end_at(path: &[u8], ends: &[u8]) -> Vec<u8> {
    let end =
        if ends.iter().any(|end| path.contains(end)) { path.iter().position(|byte| ends.contains(byte)) } else { None };
    path[..end.unwrap_or(path.len())].to_vec()
}

/// Cuts the parameters off each segment: everything from `;` to the next slash (RFC 3986 section 3.3).
pub fn cut_parameters(path: &[u8]) -> Vec<u8> {
    if !path.contains(&b';') {
        return path.to_vec();
    }
    path.split(|byte| *byte == b'/').map(|segment| end_at(segment, b";")).collect::<Vec<_>>().join(&b'/')
}

/// Removes these bytes.
pub fn remove(path: &[u8], removed: &[u8]) -> Vec<u8> {
    if !removed.iter().any(|byte| path.contains(byte)) {
        return path.to_vec();
    }
    path.iter().copied().filter(|byte| !removed.contains(byte)).collect()
}

/// Cuts off trailing control characters and spaces (WHATWG URL, section 4.4).
pub fn trim_end(path: &[u8]) -> Vec<u8> {
    let kept = path.iter().rposition(|byte| *byte > 0x20).map_or(0, |last| last + 1);
    path[..kept].to_vec()
}

/// Resolves dot segments (RFC 3986 section 5.2.4); `..` at the root stays there.
pub fn resolve(path: &[u8]) -> Vec<u8> {
    resolve_below(path, |_| true).unwrap_or_default()
}

/// Resolves dot segments; `None` if the path leaves the root.
pub fn resolve_within_root(path: &[u8]) -> Option<Vec<u8>> {
    resolve_below(path, |depth| depth > 0)
}

fn resolve_below(path: &[u8], may_back_up: fn(usize) -> bool) -> Option<Vec<u8>> {
    if !path.contains(&b'.') {
        return Some(path.to_vec());
    }
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for segment in path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/') {
        is_folder = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." if may_back_up(segments.len()) => drop(segments.pop()),
            b".." => return None,
            segment => segments.push(segment),
        }
    }
    let end: &[u8] = if is_folder && !segments.is_empty() { b"/" } else { b"" };
    Some([b"/", segments.join(&b'/').as_slice(), end].concat())
}
