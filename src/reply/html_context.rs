//! The position of a variable in an HTML page: element text, an attribute, a script, and so on.
//!
//! [`HtmlContext`] follows the states of the HTML tokenizer (HTML standard, section 13.2.5) over the literal text of a
//! template. A variable is allowed in element text and in quoted attributes whose value is plain text, where escaping
//! makes every value safe. Anywhere else (scripts, style sheets, URLs, event handlers, …) it is an error: templates pass
//! values there through `data-*` attributes.

use attribute::forbidden_value;

mod attribute;
#[cfg(test)]
mod tests;

/// The tokenizer's state after some text. Equal contexts parse what follows alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HtmlContext {
    state: HtmlState,
    /// The name of the tag that is being read, in lower case, with a leading slash if it is an end tag.
    tag: String,
    /// The name of the attribute that is being read, in lower case.
    attribute: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum HtmlState {
    #[default]
    Text,
    /// After `<`.
    TagOpen,
    /// After `</`.
    EndTagOpen,
    /// After `<!`, with the next characters as far as they can begin a comment.
    Declaration(String),
    /// Until `>`: a document type, or what the standard calls a bogus comment.
    BogusComment,
    /// With the number of dashes read last, at most two.
    Comment(u8),
    TagName,
    /// Inside a tag, between attributes.
    Tag,
    AttributeName,
    /// After `=`.
    BeforeValue,
    Unquoted,
    /// With the quote that ends the value.
    Quoted(char),
    /// Inside an element whose content has no tags, with the last characters as far as they can begin its end tag.
    Raw(&'static RawElement, String),
}

/// An element whose content is text up to its end tag (HTML standard, section 13.2.5.1).
#[derive(Debug, PartialEq, Eq)]
struct RawElement {
    name: &'static str,
    end: &'static str,
    /// The position of a variable inside it, for errors; none: a variable is allowed.
    forbidden: Option<&'static str>,
}

const RAW_ELEMENTS: &[RawElement] = &[
    RawElement { name: "script", end: "</script", forbidden: Some("a script") },
    RawElement { name: "style", end: "</style", forbidden: Some("a style sheet") },
    RawElement { name: "title", end: "</title", forbidden: None },
    RawElement { name: "textarea", end: "</textarea", forbidden: None },
    RawElement { name: "iframe", end: "</iframe", forbidden: Some("an iframe") },
    RawElement { name: "xmp", end: "</xmp", forbidden: Some("an xmp element") },
    RawElement { name: "noembed", end: "</noembed", forbidden: Some("a noembed element") },
    RawElement { name: "noframes", end: "</noframes", forbidden: Some("a noframes element") },
];

const COMMENT: &str = "<!--";

impl HtmlContext {
    /// Reads literal text. An error describes a page whose contexts are uncertain.
    pub fn literal(&mut self, text: &str) -> Result<(), &'static str> {
        text.chars().try_for_each(|c| self.step(c))
    }

    /// Checks that a variable is allowed here. The error names the position, such as `a script`.
    pub fn variable(&self) -> Result<(), &'static str> {
        let position = match &self.state {
            HtmlState::Text => return Ok(()),
            HtmlState::Quoted(_) => forbidden_value(&self.attribute),
            HtmlState::Raw(element, tail) => element.forbidden.or((!tail.is_empty()).then_some("a tag")),
            HtmlState::Unquoted | HtmlState::BeforeValue => Some("an attribute without quotes"),
            HtmlState::Declaration(_) | HtmlState::BogusComment | HtmlState::Comment(_) => Some("a comment"),
            HtmlState::TagOpen | HtmlState::EndTagOpen | HtmlState::TagName => Some("the name of a tag"),
            HtmlState::Tag | HtmlState::AttributeName => Some("the name of an attribute"),
        };
        position.map_or(Ok(()), Err)
    }

    /// True in element text, where elements are allowed.
    pub fn is_element_text(&self) -> bool {
        self.state == HtmlState::Text
    }

    /// Checks that the page can end here.
    pub fn end(&self) -> Result<(), &'static str> {
        match self.state {
            HtmlState::Text => Ok(()),
            _ => Err("ends inside a tag, a comment, a script or a style sheet"),
        }
    }

    fn step(&mut self, c: char) -> Result<(), &'static str> {
        match &mut self.state {
            HtmlState::Text if c == '<' => self.state = HtmlState::TagOpen,
            HtmlState::Text => {}
            HtmlState::TagOpen | HtmlState::EndTagOpen => self.open_tag(c),
            HtmlState::Declaration(_) | HtmlState::BogusComment | HtmlState::Comment(_) => self.step_comment(c),
            HtmlState::Quoted(quote) if c == *quote => self.end_attribute(HtmlState::Tag),
            HtmlState::Quoted(_) => {}
            HtmlState::Raw(element, tail) => {
                let is_script = element.name == "script";
                // In an SVG image, a title or textarea has elements, such as scripts.
                if element.forbidden.is_none() && tail == "<" && c.is_ascii_alphabetic() {
                    return Err("has a tag inside a title or textarea");
                }
                match step_raw(element, tail, c) {
                    RawStep::Inside => {}
                    RawStep::End => {
                        self.start_tag("/".to_owned());
                        self.step_tag(c);
                    }
                    // The end of such a script depends on further tags in it.
                    RawStep::Comment if is_script => return Err("has \"<!--\" inside a script"),
                    RawStep::Comment => {}
                }
            }
            HtmlState::TagName
            | HtmlState::Tag
            | HtmlState::AttributeName
            | HtmlState::BeforeValue
            | HtmlState::Unquoted => self.step_tag(c),
        }
        Ok(())
    }

    /// Reads the character after `<` or `</`.
    fn open_tag(&mut self, c: char) {
        let is_end = self.state == HtmlState::EndTagOpen;
        match c {
            _ if c.is_ascii_alphabetic() => {
                self.start_tag(if is_end { "/".to_owned() } else { String::new() });
                self.step_tag(c);
            }
            '>' if is_end => self.state = HtmlState::Text,
            _ if is_end => self.state = HtmlState::BogusComment,
            '!' => self.state = HtmlState::Declaration(String::new()),
            '/' => self.state = HtmlState::EndTagOpen,
            '?' => self.state = HtmlState::BogusComment,
            '<' => {}
            _ => self.state = HtmlState::Text,
        }
    }

    fn step_comment(&mut self, c: char) {
        self.state = match (&self.state, c) {
            // `<!-->` and `<!--->` are whole comments.
            (HtmlState::Declaration(start), '-') if start == "-" => HtmlState::Comment(2),
            (HtmlState::Declaration(start), '-') if start.is_empty() => HtmlState::Declaration("-".to_owned()),
            (HtmlState::Declaration(_) | HtmlState::BogusComment | HtmlState::Comment(2), '>') => HtmlState::Text,
            (HtmlState::Declaration(_) | HtmlState::BogusComment, _) => HtmlState::BogusComment,
            (HtmlState::Comment(dashes), '-') => HtmlState::Comment((dashes + 1).min(2)),
            // `--!>` ends a comment too.
            (HtmlState::Comment(2), '!') => return,
            _ => HtmlState::Comment(0),
        };
    }

    /// Reads a character of a tag outside quotes.
    fn step_tag(&mut self, c: char) {
        let lower = c.to_ascii_lowercase();
        match (&self.state, c) {
            (HtmlState::BeforeValue, '"' | '\'') => self.state = HtmlState::Quoted(c),
            (_, '>') => self.close_tag(),
            (HtmlState::BeforeValue, _) if c.is_ascii_whitespace() => {}
            (HtmlState::BeforeValue, _) => self.state = HtmlState::Unquoted,
            (HtmlState::Unquoted, _) if c.is_ascii_whitespace() => self.end_attribute(HtmlState::Tag),
            (HtmlState::Unquoted, _) => {}
            (HtmlState::AttributeName, '=') => self.state = HtmlState::BeforeValue,
            // `<a b =c>`: the name before the space gets the value.
            (HtmlState::Tag, '=') if !self.attribute.is_empty() => self.state = HtmlState::BeforeValue,
            (_, '/') => self.end_attribute(HtmlState::Tag),
            (_, _) if c.is_ascii_whitespace() => self.state = HtmlState::Tag,
            (HtmlState::TagName, _) => self.tag.push(lower),
            (HtmlState::AttributeName, _) => self.attribute.push(lower),
            _ => {
                self.attribute = lower.into();
                self.state = HtmlState::AttributeName;
            }
        }
    }

    fn start_tag(&mut self, name: String) {
        self.tag = name;
        self.end_attribute(HtmlState::TagName);
    }

    fn end_attribute(&mut self, next: HtmlState) {
        self.attribute.clear();
        self.state = next;
    }

    fn close_tag(&mut self) {
        let raw = RAW_ELEMENTS.iter().find(|element| element.name == self.tag);
        self.end_attribute(raw.map_or(HtmlState::Text, |element| HtmlState::Raw(element, String::new())));
        self.tag.clear();
    }
}

enum RawStep {
    Inside,
    /// The character ends the name of the element's end tag.
    End,
    /// The character ends `<!--`.
    Comment,
}

/// Reads a character inside a raw element.
fn step_raw(element: &RawElement, tail: &mut String, c: char) -> RawStep {
    if tail == element.end && (c.is_ascii_whitespace() || matches!(c, '/' | '>')) {
        return RawStep::End;
    }
    tail.push(c.to_ascii_lowercase());
    if tail == COMMENT {
        tail.clear();
        return RawStep::Comment;
    }
    if !element.end.starts_with(tail.as_str()) && !COMMENT.starts_with(tail.as_str()) {
        tail.clear();
        if c == '<' {
            tail.push(c);
        }
    }
    RawStep::Inside
}
