//! The headers of a reply, laid out so that a prepared reply hands them on by two copies.

/// Names in lower case, and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// The length in bytes of each name and of its value.
    lengths: Vec<(u32, u32)>,
    /// Each name and its value, a NUL behind each, which neither can hold.
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

    /// A copy with room for `headers` more, of `bytes` in all, so that adding them moves nothing.
    pub fn with_room(&self, headers: usize, bytes: usize) -> ReplyHeaders {
        let mut lengths = Vec::with_capacity(self.lengths.len() + headers);
        lengths.extend_from_slice(&self.lengths);
        let mut text = String::with_capacity(self.text.len() + bytes);
        text.push_str(&self.text);
        ReplyHeaders { lengths, text }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.text.split('\0');
        self.lengths.iter().filter_map(move |_| Some((rest.next()?, rest.next()?)))
    }

    /// The length in bytes of each name and of its value.
    pub fn lengths(&self) -> &[(u32, u32)] {
        &self.lengths
    }

    /// Each name and its value, a NUL behind each.
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
