//! Where in an HTML page a variable stands, and so how its value must be written there. Follows the states of the HTML
//! tokenizer (HTML standard, section 13.2.5) as far as that needs; what it can't make safe it refuses.

use super::escape::Escape;
use script::{Raw, Script, raw_step};

mod script;
#[cfg(test)]
mod tests;
mod url;

/// What a piece of an HTML page ends in. Two pieces that end in the same state may stand for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HtmlContext {
    state: HtmlState,
    tag: Tag,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum HtmlState {
    #[default]
    Text,
    /// After `<`, before it is known what this opens.
    Open,
    /// After `<!`, with what may yet make it a comment, or `<?`.
    Declaration(String),
    Comment(Dashes),
    TagName,
    /// Inside a tag, between attributes.
    Tag,
    AttributeName,
    /// After `=`.
    BeforeValue,
    Unquoted,
    Quoted(char, AttributeKind),
    /// Inside a script, with what may yet become its end tag.
    Script(Script, String),
    Style(String),
}

/// The tag being read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tag {
    name: String,
    attribute: String,
    /// Whether it has an `http-equiv`, and whether its `content` holds a variable: together these could redirect.
    http_equiv: bool,
    variable_content: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dashes {
    None,
    One,
    Two,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AttributeKind {
    Plain,
    /// A URL, as far as it is open what its scheme is.
    Url(String),
    /// A URL whose scheme can change no more.
    SafeUrl,
    /// The `content` of a `meta` element.
    Content,
    /// A value that is code, and why it can hold no variable.
    Code(&'static str),
}

/// A variable as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind<'v> {
    /// Known only when a request comes.
    Text,
    /// A number.
    Number,
    /// The operator's own text, known now.
    Constant(&'v str),
}

impl HtmlContext {
    /// Goes on over literal text.
    pub fn literal(&mut self, text: &str) -> Result<(), &'static str> {
        text.chars().try_for_each(|c| self.step(c))
    }

    /// How a variable is written here, or why it can't stand here.
    pub fn variable(&mut self, kind: ValueKind<'_>) -> Result<Escape, &'static str> {
        match &mut self.state {
            HtmlState::Text => Ok(Escape::Html),
            HtmlState::Open | HtmlState::TagName => Err("in the name of a tag"),
            HtmlState::Tag | HtmlState::AttributeName => Err("in a tag outside an attribute's value"),
            HtmlState::BeforeValue | HtmlState::Unquoted => Err("in an attribute without quotes"),
            HtmlState::Declaration(_) | HtmlState::Comment(_) => Err("in a comment"),
            HtmlState::Style(_) => Err("in a style sheet"),
            HtmlState::Script(Script::Text(_), tail) => {
                tail.clear();
                Ok(Escape::Script)
            }
            HtmlState::Script(..) => Err("in a script outside a quoted string"),
            HtmlState::Quoted(_, AttributeKind::Plain) => Ok(Escape::Html),
            HtmlState::Quoted(_, AttributeKind::SafeUrl) => Ok(Escape::Url),
            HtmlState::Quoted(_, AttributeKind::Code(place)) => Err(place),
            HtmlState::Quoted(_, AttributeKind::Content) => {
                self.tag.variable_content |= kind != ValueKind::Number;
                if self.tag.http_equiv && kind != ValueKind::Number {
                    return Err("in the content of a meta element with http-equiv");
                }
                Ok(Escape::Html)
            }
            HtmlState::Quoted(_, AttributeKind::Url(start)) => match kind {
                ValueKind::Constant(text) if start.is_empty() => {
                    let mut start = String::new();
                    let mut settled = false;
                    for c in text.chars() {
                        settled = settled || url::step(&mut start, c)?;
                    }
                    self.set_url(start, settled);
                    Ok(Escape::Html)
                }
                _ => Err("where a URL's scheme could stand"),
            },
        }
    }

    /// Ends the page.
    pub fn end(&self) -> Result<(), &'static str> {
        match self.state {
            HtmlState::Text => Ok(()),
            _ => Err("ends inside a tag, a comment, a script or a style sheet"),
        }
    }

    fn set_url(&mut self, start: String, settled: bool) {
        if let HtmlState::Quoted(_, value) = &mut self.state {
            *value = if settled { AttributeKind::SafeUrl } else { AttributeKind::Url(start) };
        }
    }

    fn step(&mut self, c: char) -> Result<(), &'static str> {
        let lower = c.to_ascii_lowercase();
        match &mut self.state {
            HtmlState::Text => {
                if c == '<' {
                    self.state = HtmlState::Open;
                }
            }
            HtmlState::Open => match c {
                '!' => self.state = HtmlState::Declaration(String::new()),
                '?' => self.state = HtmlState::Declaration("?".to_owned()),
                '/' => {
                    self.tag = Tag { name: "/".to_owned(), ..Tag::default() };
                    self.state = HtmlState::TagName;
                }
                _ if c.is_ascii_alphabetic() => {
                    self.tag = Tag { name: lower.into(), ..Tag::default() };
                    self.state = HtmlState::TagName;
                }
                '<' => {}
                _ => self.state = HtmlState::Text,
            },
            HtmlState::Declaration(start) => match c {
                '>' => self.state = HtmlState::Text,
                _ if start.len() < 2 => {
                    start.push(c);
                    if start == "--" {
                        self.state = HtmlState::Comment(Dashes::Two);
                    }
                }
                _ => {}
            },
            HtmlState::Comment(dashes) => match (c, *dashes) {
                ('>', Dashes::Two) => self.state = HtmlState::Text,
                ('-', Dashes::None) => *dashes = Dashes::One,
                ('-', _) => *dashes = Dashes::Two,
                // `--!>` ends a comment too.
                ('!', Dashes::Two) => {}
                _ => *dashes = Dashes::None,
            },
            HtmlState::TagName => match c {
                '>' => self.close_tag(),
                '/' => self.state = HtmlState::Tag,
                _ if c.is_ascii_whitespace() => self.state = HtmlState::Tag,
                _ => self.tag.name.push(lower),
            },
            HtmlState::Tag => match c {
                '>' => self.close_tag(),
                '/' => {}
                // `<a b =c>`: the name before still waits for its value.
                '=' if !self.tag.attribute.is_empty() => self.state = HtmlState::BeforeValue,
                _ if c.is_ascii_whitespace() => {}
                _ => {
                    self.tag.attribute = lower.into();
                    self.state = HtmlState::AttributeName;
                }
            },
            HtmlState::AttributeName => match c {
                '>' => self.close_tag(),
                '/' => {
                    self.tag.attribute.clear();
                    self.state = HtmlState::Tag;
                }
                '=' => self.state = HtmlState::BeforeValue,
                _ if c.is_ascii_whitespace() => self.state = HtmlState::Tag,
                _ => self.tag.attribute.push(lower),
            },
            HtmlState::BeforeValue => match c {
                '"' | '\'' => {
                    let value = self.value()?;
                    self.tag.attribute.clear();
                    self.state = HtmlState::Quoted(c, value);
                }
                '>' => self.close_tag(),
                _ if c.is_ascii_whitespace() => {}
                _ => {
                    self.value()?;
                    self.tag.attribute.clear();
                    self.state = HtmlState::Unquoted;
                }
            },
            HtmlState::Unquoted => match c {
                '>' => self.close_tag(),
                _ if c.is_ascii_whitespace() => self.state = HtmlState::Tag,
                _ => {}
            },
            HtmlState::Quoted(quote, _) if c == *quote => self.state = HtmlState::Tag,
            HtmlState::Quoted(_, AttributeKind::Url(start)) => {
                // What a scheme is worth matters only to a variable that follows; the page's own text is the operator's.
                match url::step(start, c) {
                    Ok(settled) => {
                        let start = std::mem::take(start);
                        self.set_url(start, settled);
                    }
                    Err(place) => self.replace_value(AttributeKind::Code(place)),
                }
            }
            HtmlState::Quoted(..) => {}
            HtmlState::Script(script, tail) => match raw_step(tail, c, "</script") {
                Raw::Ends => self.leave_raw(c),
                Raw::OpensComment => return Err("has \"<!--\" inside a script"),
                Raw::GoesOn => *script = script.step(c),
            },
            HtmlState::Style(tail) => {
                if raw_step(tail, c, "</style") == Raw::Ends {
                    self.leave_raw(c);
                }
            }
        }
        Ok(())
    }

    fn replace_value(&mut self, with: AttributeKind) {
        if let HtmlState::Quoted(_, value) = &mut self.state {
            *value = with;
        }
    }

    /// What the value of the attribute is whose name has been read.
    fn value(&mut self) -> Result<AttributeKind, &'static str> {
        let name = self.tag.attribute.as_str();
        if name == "http-equiv" {
            self.tag.http_equiv = true;
            if self.tag.variable_content {
                return Err("has a meta element with http-equiv whose content holds a variable");
            }
        }
        Ok(match name {
            "style" => AttributeKind::Code("in a style attribute"),
            "srcdoc" => AttributeKind::Code("in a srcdoc attribute"),
            "srcset" | "imagesrcset" | "ping" | "archive" => AttributeKind::Code("in a list of URLs"),
            "content" => AttributeKind::Content,
            "by" | "from" | "to" | "values" => AttributeKind::Code("in an animation"),
            name if name.starts_with("on") => AttributeKind::Code("in an event handler"),
            name if url::is_url(name) => AttributeKind::Url(String::new()),
            _ => AttributeKind::Plain,
        })
    }

    fn close_tag(&mut self) {
        self.state = match self.tag.name.as_str() {
            "script" => HtmlState::Script(Script::Code, String::new()),
            "style" => HtmlState::Style(String::new()),
            _ => HtmlState::Text,
        };
        self.tag = Tag::default();
    }

    fn leave_raw(&mut self, c: char) {
        self.tag = Tag { name: "/".to_owned(), ..Tag::default() };
        self.state = HtmlState::Tag;
        if c == '>' {
            self.close_tag();
        }
    }
}
