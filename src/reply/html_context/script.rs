//! The inside of scripts and style sheets: where they end, and which part of a script is a string.

/// Where in a script one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Outside strings and comments.
    Code,
    /// In a string in these quotes.
    Text(char),
    /// After a backslash in a string.
    TextEscape(char),
    /// After a slash that may begin a comment.
    Slash,
    /// After `//`.
    LineComment,
    /// After `/*`.
    Comment,
    /// After a star in a comment.
    CommentStar,
}

impl Script {
    /// Goes on over a character.
    pub fn step(self, c: char) -> Script {
        match (self, c) {
            (Script::Code | Script::Slash, '"' | '\'' | '`') => Script::Text(c),
            (Script::Code, '/') => Script::Slash,
            (Script::Slash, '/') => Script::LineComment,
            (Script::Slash, '*') => Script::Comment,
            (Script::Code | Script::Slash, _) => Script::Code,
            (Script::Text(quote), '\\') => Script::TextEscape(quote),
            (Script::Text(quote), c) if c == quote => Script::Code,
            // A string in plain quotes ends with its line at the latest.
            (Script::Text('"' | '\''), '\n') | (Script::LineComment, '\n') => Script::Code,
            (Script::TextEscape(quote), _) => Script::Text(quote),
            (Script::Comment, '*') | (Script::CommentStar, '*') => Script::CommentStar,
            (Script::CommentStar, '/') => Script::Code,
            (Script::CommentStar, _) => Script::Comment,
            (other, _) => other,
        }
    }
}

/// What a character does to an element whose content is no HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// Nothing.
    GoesOn,
    /// The element's end tag has been read, up to its name.
    Ends,
    /// `<!--` has been read.
    OpensComment,
}

/// Goes on inside an element whose content is no HTML. `tail` is what may yet become its end tag or a comment.
pub fn raw_step(tail: &mut String, c: char, end: &str) -> Raw {
    const COMMENT: &str = "<!--";
    if tail == end && (c.is_ascii_whitespace() || matches!(c, '/' | '>')) {
        return Raw::Ends;
    }
    tail.push(c.to_ascii_lowercase());
    if tail == COMMENT {
        return Raw::OpensComment;
    }
    if !end.starts_with(tail.as_str()) && !COMMENT.starts_with(tail.as_str()) {
        tail.clear();
        if c == '<' {
            tail.push(c);
        }
    }
    Raw::GoesOn
}
