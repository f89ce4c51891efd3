//! The headers of a reply, in the layout of proxy-wasm, so that sending them needs no conversion.

/// Header names (lower case) and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// The lengths of each name and value, in bytes.
    lengths: Vec<(u32, u32)>,
    /// Each name and value, followed by a NUL, which neither can contain.
    text: String,
}

impl ReplyHeaders {
    /// Adds a header.
    pub fn push(&mut self, name: &str, value: &str) {
        self.lengths.push((name.len() as u32, value.len() as u32));
        for part in [name, "\0", value, "\0"] {
            self.text.push_str(part);
        }
    }

    /// A copy with capacity for `headers` more headers of `bytes` bytes in total.
    pub fn with_room(&self, headers: usize, bytes: usize) -> ReplyHeaders {
        let mut lengths = Vec::with_capacity(self.lengths.len() + headers);
        lengths.extend_from_slice(&self.lengths);
        let mut text = String::with_capacity(self.text.len() + bytes);
        text.push_str(&self.text);
        ReplyHeaders { lengths, text }
    }

    /// The names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.text.split('\0');
        self.lengths.iter().filter_map(move |_| Some((rest.next()?, rest.next()?)))
    }

    /// The lengths of each name and value, in bytes.
    pub fn lengths(&self) -> &[(u32, u32)] {
        &self.lengths
    }

    /// Each name and value, followed by a NUL.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<'t> FromIterator<(&'t str, &'t str)> for ReplyHeaders {
    fn from_iter<I: IntoIterator<Item = (&'t str, &'t str)>>(entries: I) -> ReplyHeaders {
        let mut headers = ReplyHeaders::default();
        entries.into_iter().for_each(|(name, value)| headers.push(name, value));
        headers
    }
}
