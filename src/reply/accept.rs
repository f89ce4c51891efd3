//! What an `accept` header asks for (RFC 9110 section 12.5.1), as far as a refusal can give it.

/// So many bytes are looked at of all `accept` headers together: more is no browser's.
const MAX_LENGTH: usize = 4096;
/// The weight 1, in thousandths.
const MOST: u16 = 1000;

/// What a client would like best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptPreference {
    /// A page.
    Html,
    /// Plain text.
    Text,
    /// An image, a font, sound, film, or a style sheet: nothing that a refusal could be.
    Media,
    /// Anything else, or nothing in particular.
    Other,
}

/// How much a client would like each kind, in thousandths; 0: not at all.
#[derive(Clone, Copy, Debug, Default)]
struct Weights {
    html: u16,
    text: u16,
    json: u16,
    media: u16,
    other: u16,
}

impl AcceptPreference {
    /// Reads every `accept` header of a request.
    pub fn read<'h>(headers: impl Iterator<Item = &'h [u8]>) -> AcceptPreference {
        let mut weights = Weights::default();
        let mut left = MAX_LENGTH;
        for header in headers {
            let header = header.get(..left).unwrap_or(header);
            left -= header.len();
            for range in header.split(|byte| *byte == b',') {
                weights.add(range);
                // Nothing that follows could be liked better.
                if weights.html == MOST {
                    return AcceptPreference::Html;
                }
            }
        }
        weights.wish()
    }
}

impl Weights {
    fn add(&mut self, range: &[u8]) {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let kind = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_at_checked(2)?;
            name.eq_ignore_ascii_case(b"q=").then(|| thousandths(value))
        });
        let quality = quality.unwrap_or(MOST);
        let is = |names: &[&str]| names.iter().any(|name| kind.eq_ignore_ascii_case(name.as_bytes()));
        let begins = |names: &[&str]| {
            names
                .iter()
                .any(|name| kind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())))
        };
        let weight = if is(&["text/html", "application/xhtml+xml"]) {
            &mut self.html
        } else if is(&["text/plain", "text/*"]) {
            &mut self.text
        } else if is(&["text/css"]) || begins(&["image/", "font/", "audio/", "video/"]) {
            &mut self.media
        } else if is(&["application/json", "application/*"])
            || kind.get(kind.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case(b"+json"))
        {
            &mut self.json
        } else {
            &mut self.other
        };
        *weight = quality.max(*weight);
    }

    /// A page wins ties, as browsers name images and all else beside it; a problem wins them over plain text, as
    /// libraries name that beside JSON.
    fn wish(self) -> AcceptPreference {
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

/// A `qvalue` in thousandths; 0 for what is none.
fn thousandths(value: &[u8]) -> u16 {
    let (whole, fraction) = match value.split_first() {
        Some((b'0', rest)) => (0, rest),
        Some((b'1', rest)) => (MOST, rest),
        _ => return 0,
    };
    let digits = match fraction.split_first() {
        None => &[][..],
        Some((b'.', digits)) if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        Some(_) => return 0,
    };
    let places = [100, 10, 1];
    let part: u16 = digits.iter().zip(places).map(|(digit, place)| u16::from(digit - b'0') * place).sum();
    (whole + part).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clients_get_what_they_prefer() {
        for (accept, wish) in [
            // Chromium, Firefox, Safari: pages, images, style sheets, all else.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
                AcceptPreference::Html,
            ),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", AcceptPreference::Html),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", AcceptPreference::Media),
            ("image/avif,image/webp,*/*", AcceptPreference::Media),
            ("text/css,*/*;q=0.1", AcceptPreference::Media),
            ("*/*", AcceptPreference::Other),
            // Libraries.
            ("text/html, */*", AcceptPreference::Html),
            ("text/vnd.turbo-stream.html, text/html, application/xhtml+xml", AcceptPreference::Html),
            ("application/json, text/plain, */*", AcceptPreference::Other),
            ("application/json", AcceptPreference::Other),
            ("application/problem+json", AcceptPreference::Other),
            ("text/event-stream", AcceptPreference::Other),
            ("application/xml", AcceptPreference::Other),
            // Weights.
            ("application/json, text/html;q=0.5", AcceptPreference::Other),
            ("application/json;q=0.5, text/html", AcceptPreference::Html),
            ("application/json, text/html", AcceptPreference::Html),
            ("text/html;q=0.9, */*", AcceptPreference::Other),
            ("text/html;q=0", AcceptPreference::Other),
            ("text/html;q=0, */*", AcceptPreference::Other),
            ("text/html;level=1;Q=0.2, application/json;q=0.1", AcceptPreference::Html),
            ("TEXT/HTML", AcceptPreference::Html),
            ("application/xhtml+xml", AcceptPreference::Html),
            ("text/plain", AcceptPreference::Text),
            ("text/plain, */*", AcceptPreference::Text),
            ("text/plain;q=0.5, */*;q=0.1", AcceptPreference::Text),
            ("text/plain;q=0.5, text/html", AcceptPreference::Html),
            ("text/plain, text/html;q=0.5", AcceptPreference::Text),
            ("text/*", AcceptPreference::Text),
            ("font/woff2", AcceptPreference::Media),
            ("video/*;q=0.8,*/*;q=0.5", AcceptPreference::Media),
            // Malformed.
            ("", AcceptPreference::Other),
            (",,;;,", AcceptPreference::Other),
            ("text/html;q=abc", AcceptPreference::Other),
            ("text/html;q=1.0001", AcceptPreference::Other),
            ("text/html;q=2", AcceptPreference::Other),
            ("text/html;q=", AcceptPreference::Other),
            ("text/html;q=1.5", AcceptPreference::Html),
            ("texthtml", AcceptPreference::Other),
        ] {
            assert_eq!(AcceptPreference::read([accept.as_bytes()].into_iter()), wish, "{accept}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        assert_eq!(
            AcceptPreference::read([&b"application/json"[..], b"text/html;q=0.1"].into_iter()),
            AcceptPreference::Other
        );
        assert_eq!(AcceptPreference::read(std::iter::empty()), AcceptPreference::Other);
    }

    #[test]
    fn what_stands_far_behind_is_not_read() {
        let long = format!("{}text/html", "a/b;q=0,".repeat(8000));
        assert_eq!(AcceptPreference::read([long.as_bytes()].into_iter()), AcceptPreference::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_wish(header in any::<Vec<u8>>()) {
            AcceptPreference::read([header.as_slice()].into_iter());
        }
    }
}
