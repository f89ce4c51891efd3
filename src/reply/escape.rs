//! Escaping of values in templates.

/// The escaping of a template's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Plain text: control characters except line feeds and tabs are removed.
    Plain,
    /// HTML text and quoted attributes: like `Plain`, and `&`, `<`, `>` and quotes become character references.
    Html,
}

impl Escape {
    /// Appends the escaped `value` to `out`.
    pub fn write(self, value: &str, out: &mut String) {
        for c in value.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')) {
            match (self, c) {
                (Escape::Html, '&') => out.push_str("&amp;"),
                (Escape::Html, '<') => out.push_str("&lt;"),
                (Escape::Html, '>') => out.push_str("&gt;"),
                (Escape::Html, '"') => out.push_str("&quot;"),
                (Escape::Html, '\'') => out.push_str("&#39;"),
                (_, c) => out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests;
