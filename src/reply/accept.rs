//! Content negotiation by the `accept` header (RFC 9110 section 12.5.1).

/// The bytes that are read of all `accept` headers together. Those of browsers are shorter.
const MAX_LENGTH: usize = 4096;
/// The weight 1, in thousandths.
const FULL: u16 = 1000;

/// The content type that a client prefers, of those that a refusal can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptPreference {
    /// HTML or XHTML.
    Html,
    /// Plain text.
    Text,
    /// Images, fonts, audio, video or style sheets, which a refusal cannot be.
    Media,
    /// Any other type, or no preference.
    Other,
}

/// The weight of each type, in thousandths; 0: not acceptable.
#[derive(Clone, Copy, Debug, Default)]
struct Weights {
    html: u16,
    text: u16,
    json: u16,
    media: u16,
    other: u16,
}

impl AcceptPreference {
    /// Reads all `accept` headers of a request. Malformed weights count as 0.
    pub fn read<'h>(headers: impl Iterator<Item = &'h [u8]>) -> AcceptPreference {
        let mut weights = Weights::default();
        let mut remaining = MAX_LENGTH;
        for header in headers {
            let header = header.get(..remaining).unwrap_or(header);
            remaining -= header.len();
            for range in header.split(|byte| *byte == b',') {
                weights.add(range);
                // A page wins ties, so no further type can win.
                if weights.html == FULL {
                    return AcceptPreference::Html;
                }
            }
        }
        weights.preference()
    }
}

impl Weights {
    fn add(&mut self, range: &[u8]) {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let media_type = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_at_checked(2)?;
            name.eq_ignore_ascii_case(b"q=").then(|| thousandths(value))
        });
        let quality = quality.unwrap_or(FULL);
        let is = |names: &[&str]| names.iter().any(|name| media_type.eq_ignore_ascii_case(name.as_bytes()));
        let begins = |names: &[&str]| {
            names.iter().any(|name| {
                media_type.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
            })
        };
        let weight = if is(&["text/html", "application/xhtml+xml"]) {
            &mut self.html
        } else if is(&["text/plain", "text/*"]) {
            &mut self.text
        } else if is(&["text/css"]) || begins(&["image/", "font/", "audio/", "video/"]) {
            &mut self.media
        } else if is(&["application/json", "application/*"])
            || media_type
                .get(media_type.len().saturating_sub(5)..)
                .is_some_and(|end| end.eq_ignore_ascii_case(b"+json"))
        {
            &mut self.json
        } else {
            &mut self.other
        };
        *weight = quality.max(*weight);
    }

    /// HTML wins ties, because browsers list images and other types beside it. JSON wins ties with plain text, because
    /// API clients list both.
    fn preference(self) -> AcceptPreference {
        let rest = self.json.max(self.other);
        if self.html > 0 && self.html >= self.text.max(self.media).max(rest) {
            AcceptPreference::Html
        } else if self.text > 0 && self.text > self.json && self.text >= self.media.max(self.other) {
            AcceptPreference::Text
        } else if self.media > 0 && self.media > self.json && self.media >= self.other {
            AcceptPreference::Media
        } else {
            AcceptPreference::Other
        }
    }
}

/// A `qvalue` (RFC 9110 section 12.4.2) in thousandths; 0 if it is malformed.
fn thousandths(value: &[u8]) -> u16 {
    let (whole, fraction) = match value.split_first() {
        Some((b'0', rest)) => (0, rest),
        Some((b'1', rest)) => (FULL, rest),
        _ => return 0,
    };
    let digits = match fraction.split_first() {
        None => &[][..],
        Some((b'.', digits)) if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        Some(_) => return 0,
    };
    let places = [100, 10, 1];
    let part: u16 = digits.iter().zip(places).map(|(digit, place)| u16::from(digit - b'0') * place).sum();
    (whole + part).min(FULL)
}

#[cfg(test)]
mod tests;
