//! Percent-encoding (RFC 3986 section 2.1) and the other encodings of a byte that servers accept.

use std::fmt::Write as _;

/// The bytes of a path, decoded once, and whether each was percent-encoded. Malformed encodings are kept.
pub fn units(bytes: &[u8]) -> impl Iterator<Item = (u8, bool)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (byte, tail) = rest.split_first()?;
        let encoded = if *byte == b'%' { percent(tail) } else { None };
        let (unit, after) = encoded.map_or(((*byte, false), tail), |(value, after)| ((value, true), after));
        rest = after;
        Some(unit)
    })
}

/// Decodes the two hexadecimal digits at the beginning. Returns the byte and the rest.
fn percent(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(2)?;
    let value = hexadecimal(digits)?;
    Some((u8::try_from(value).ok()?, rest))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// Decodes percent-encoding once. Malformed encodings are kept.
pub fn decode(bytes: &[u8]) -> Vec<u8> {
    units(bytes).map(|(byte, _)| byte).collect()
}

/// Decodes until nothing changes. Other encodings of ASCII characters are decoded too: overlong UTF-8 (which RFC 3629
/// section 3 forbids and old decoders accept), and `%uXXXX` of IIS. With `compact`, tabs and line feeds are removed, as
/// the URL parsers of browsers and Node do (WHATWG URL, section 4.4).
///
/// Each step shortens the text, and no two steps share a byte, so their order does not matter: one pass with a stack has
/// the same result as repeated decoding.
pub fn decode_fully(bytes: &[u8], compact: bool) -> Vec<u8> {
    let mut decoded: Vec<u8> = Vec::with_capacity(bytes.len());
    for byte in bytes {
        decoded.push(*byte);
        while let Some((length, value)) = ending(&decoded, compact) {
            decoded.truncate(decoded.len().saturating_sub(length));
            decoded.extend(value);
        }
    }
    decoded
}

/// The length of the encoding at the end of the bytes, and the decoded byte (`None`: it is removed).
fn ending(bytes: &[u8], compact: bool) -> Option<(usize, Option<u8>)> {
    let (length, value) = match *bytes {
        [.., b'\t' | b'\r' | b'\n'] if compact => return Some((1, None)),
        [.., b'%', one, two] => (3, hexadecimal(&[one, two])?),
        [.., b'%', b'u' | b'U', one, two, three, four] => (6, hexadecimal(&[one, two, three, four])?),
        [.., lead @ 0xc0..=0xc1, tail @ 0x80..=0xbf] => (2, u32::from(lead & 1) << 6 | u32::from(tail & 0x3f)),
        [.., 0xe0, middle @ 0x80..=0x81, tail @ 0x80..=0xbf] => {
            (3, u32::from(middle & 1) << 6 | u32::from(tail & 0x3f))
        }
        _ => return None,
    };
    let value = u8::try_from(value).ok().filter(|value| length != 6 || value.is_ascii())?;
    Some((length, Some(value)))
}

/// True if all servers interpret the byte alike.
pub fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b';' | b'#' | 0..=0x20 | 0x7f..=0xff)
}

/// Appends a byte in canonical form: percent-encoded only if necessary, in upper case.
pub fn push_canonical(byte: u8, text: &mut String) {
    if is_plain(byte) && !matches!(byte, b'%' | b'?') {
        text.push(byte.into());
    } else {
        let _ = write!(text, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests;
