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
pub struct Position {
    state: State,
    tag: Tag,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
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
    Quoted(char, Value),
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
enum Value {
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
pub enum Kind<'v> {
    /// Known only when a request comes.
    Text,
    /// A number.
    Number,
    /// The operator's own text, known now.
    Constant(&'v str),
}

impl Position {
    /// Goes on over literal text.
    pub fn literal(&mut self, text: &str) -> Result<(), &'static str> {
        text.chars().try_for_each(|c| self.step(c))
    }

    /// How a variable is written here, or why it can't stand here.
    pub fn variable(&mut self, kind: Kind<'_>) -> Result<Escape, &'static str> {
        match &mut self.state {
            State::Text => Ok(Escape::Html),
            State::Open | State::TagName => Err("in the name of a tag"),
            State::Tag | State::AttributeName => Err("in a tag outside an attribute's value"),
            State::BeforeValue | State::Unquoted => Err("in an attribute without quotes"),
            State::Declaration(_) | State::Comment(_) => Err("in a comment"),
            State::Style(_) => Err("in a style sheet"),
            State::Script(Script::Text(_), tail) => {
                tail.clear();
                Ok(Escape::Script)
            }
            State::Script(..) => Err("in a script outside a quoted string"),
            State::Quoted(_, Value::Plain) => Ok(Escape::Html),
            State::Quoted(_, Value::SafeUrl) => Ok(Escape::Url),
            State::Quoted(_, Value::Code(place)) => Err(place),
            State::Quoted(_, Value::Content) => {
                self.tag.variable_content |= kind != Kind::Number;
                if self.tag.http_equiv && kind != Kind::Number {
                    return Err("in the content of a meta element with http-equiv");
                }
                Ok(Escape::Html)
            }
            State::Quoted(_, Value::Url(start)) => match kind {
                Kind::Constant(text) if start.is_empty() => {
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
            State::Text => Ok(()),
            _ => Err("ends inside a tag, a comment, a script or a style sheet"),
        }
    }

    fn set_url(&mut self, start: String, settled: bool) {
        if let State::Quoted(_, value) = &mut self.state {
            *value = if settled { Value::SafeUrl } else { Value::Url(start) };
        }
    }

    fn step(&mut self, c: char) -> Result<(), &'static str> {
        let lower = c.to_ascii_lowercase();
        match &mut self.state {
            State::Text => {
                if c == '<' {
                    self.state = State::Open;
                }
            }
            State::Open => match c {
                '!' => self.state = State::Declaration(String::new()),
                '?' => self.state = State::Declaration("?".to_owned()),
                '/' => {
                    self.tag = Tag { name: "/".to_owned(), ..Tag::default() };
                    self.state = State::TagName;
                }
                _ if c.is_ascii_alphabetic() => {
                    self.tag = Tag { name: lower.into(), ..Tag::default() };
                    self.state = State::TagName;
                }
                '<' => {}
                _ => self.state = State::Text,
            },
            State::Declaration(start) => match c {
                '>' => self.state = State::Text,
                _ if start.len() < 2 => {
                    start.push(c);
                    if start == "--" {
                        self.state = State::Comment(Dashes::Two);
                    }
                }
                _ => {}
            },
            State::Comment(dashes) => match (c, *dashes) {
                ('>', Dashes::Two) => self.state = State::Text,
                ('-', Dashes::None) => *dashes = Dashes::One,
                ('-', _) => *dashes = Dashes::Two,
                // `--!>` ends a comment too.
                ('!', Dashes::Two) => {}
                _ => *dashes = Dashes::None,
            },
            State::TagName => match c {
                '>' => self.close_tag(),
                '/' => self.state = State::Tag,
                _ if c.is_ascii_whitespace() => self.state = State::Tag,
                _ => self.tag.name.push(lower),
            },
            State::Tag => match c {
                '>' => self.close_tag(),
                '/' => {}
                // `<a b =c>`: the name before still waits for its value.
                '=' if !self.tag.attribute.is_empty() => self.state = State::BeforeValue,
                _ if c.is_ascii_whitespace() => {}
                _ => {
                    self.tag.attribute = lower.into();
                    self.state = State::AttributeName;
                }
            },
            State::AttributeName => match c {
                '>' => self.close_tag(),
                '/' => {
                    self.tag.attribute.clear();
                    self.state = State::Tag;
                }
                '=' => self.state = State::BeforeValue,
                _ if c.is_ascii_whitespace() => self.state = State::Tag,
                _ => self.tag.attribute.push(lower),
            },
            State::BeforeValue => match c {
                '"' | '\'' => {
                    let value = self.value()?;
                    self.tag.attribute.clear();
                    self.state = State::Quoted(c, value);
                }
                '>' => self.close_tag(),
                _ if c.is_ascii_whitespace() => {}
                _ => {
                    self.value()?;
                    self.tag.attribute.clear();
                    self.state = State::Unquoted;
                }
            },
            State::Unquoted => match c {
                '>' => self.close_tag(),
                _ if c.is_ascii_whitespace() => self.state = State::Tag,
                _ => {}
            },
            State::Quoted(quote, _) if c == *quote => self.state = State::Tag,
            State::Quoted(_, Value::Url(start)) => {
                // What a scheme is worth matters only to a variable that follows; the page's own text is the operator's.
                match url::step(start, c) {
                    Ok(settled) => {
                        let start = std::mem::take(start);
                        self.set_url(start, settled);
                    }
                    Err(place) => self.replace_value(Value::Code(place)),
                }
            }
            State::Quoted(..) => {}
            State::Script(script, tail) => match raw_step(tail, c, "</script") {
                Raw::Ends => self.leave_raw(c),
                Raw::OpensComment => return Err("has \"<!--\" inside a script"),
                Raw::GoesOn => *script = script.step(c),
            },
            State::Style(tail) => {
                if raw_step(tail, c, "</style") == Raw::Ends {
                    self.leave_raw(c);
                }
            }
        }
        Ok(())
    }

    fn replace_value(&mut self, with: Value) {
        if let State::Quoted(_, value) = &mut self.state {
            *value = with;
        }
    }

    /// What the value of the attribute is whose name has been read.
    fn value(&mut self) -> Result<Value, &'static str> {
        let name = self.tag.attribute.as_str();
        if name == "http-equiv" {
            self.tag.http_equiv = true;
            if self.tag.variable_content {
                return Err("has a meta element with http-equiv whose content holds a variable");
            }
        }
        Ok(match name {
            "style" => Value::Code("in a style attribute"),
            "srcdoc" => Value::Code("in a srcdoc attribute"),
            "srcset" | "imagesrcset" | "ping" | "archive" => Value::Code("in a list of URLs"),
            "content" => Value::Content,
            "by" | "from" | "to" | "values" => Value::Code("in an animation"),
            name if name.starts_with("on") => Value::Code("in an event handler"),
            name if url::is_url(name) => Value::Url(String::new()),
            _ => Value::Plain,
        })
    }

    fn close_tag(&mut self) {
        self.state = match self.tag.name.as_str() {
            "script" => State::Script(Script::Code, String::new()),
            "style" => State::Style(String::new()),
            _ => State::Text,
        };
        self.tag = Tag::default();
    }

    fn leave_raw(&mut self, c: char) {
        self.tag = Tag { name: "/".to_owned(), ..Tag::default() };
        self.state = State::Tag;
        if c == '>' {
            self.close_tag();
        }
    }
}
