//! Percent-encoding (RFC 3986 section 2.1), and the other ways in which servers let a byte be written.

use std::fmt::Write as _;

/// The bytes that a path stands for, decoded once, and whether each was percent-encoded; bad encodings stay as they are.
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

/// The byte that two hexadecimal digits at the front stand for, and what follows them.
fn percent(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(2)?;
    let value = hexadecimal(digits)?;
    Some((u8::try_from(value).ok()?, rest))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// Decodes every percent-encoding once; bad ones stay as they are.
pub fn decode(bytes: &[u8]) -> Vec<u8> {
    units(bytes).map(|(byte, _)| byte).collect()
}

/// Decodes until nothing changes, and takes every other spelling of an ASCII character for that character too: overlong
/// UTF-8 (RFC 3629 section 3 forbids it, and old decoders take it), and IIS's `%uXXXX`. With `compact`, tabs and line
/// feeds are dropped, as the URL parser of browsers and Node does (WHATWG URL, section 4.4).
///
/// Each step shortens the text, and no two steps share a byte, so their order does not matter: one pass with a stack
/// finds the same text as decoding again and again.
pub fn settle(bytes: &[u8], compact: bool) -> Vec<u8> {
    let mut settled: Vec<u8> = Vec::with_capacity(bytes.len());
    for byte in bytes {
        settled.push(*byte);
        while let Some((length, value)) = ending(&settled, compact) {
            settled.truncate(settled.len().saturating_sub(length));
            settled.extend(value);
        }
    }
    settled
}

/// The length of the spelling in which the bytes end, and the byte that it stands for (`None`: it is dropped).
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

/// True if every server reads this byte alike.
pub fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b';' | b'#' | 0..=0x20 | 0x7f..=0xff)
}

/// Writes one byte in the spelling of canonical paths: percent-encoded only where it must be, in upper case.
pub fn spell(byte: u8, text: &mut String) {
    if is_plain(byte) && !matches!(byte, b'%' | b'?') {
        text.push(byte.into());
    } else {
        let _ = write!(text, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests;
