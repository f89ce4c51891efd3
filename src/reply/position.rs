//! Where in an HTML page a variable stands, and so how its value must be written there. Follows the states of the HTML
//! tokenizer (HTML standard, section 13.2.5) as far as that needs; what it can't make safe it refuses.

use super::escape::Escape;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Code,
    Text(char),
    TextEscape(char),
    Slash,
    LineComment,
    Comment,
    CommentStar,
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

const URLS: [&str; 14] = [
    "action",
    "background",
    "cite",
    "codebase",
    "data",
    "formaction",
    "href",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xlink:href",
];

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
                        settled = settled || url_step(&mut start, c)?;
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
                match url_step(start, c) {
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
            name if name.starts_with("on") => Value::Code("in an event handler"),
            name if URLS.contains(&name) => Value::Url(String::new()),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raw {
    GoesOn,
    Ends,
    OpensComment,
}

/// Goes on inside an element whose content is no HTML. `tail` is what may yet become its end tag or a comment.
fn raw_step(tail: &mut String, c: char, end: &str) -> Raw {
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

/// Goes on over a character of a URL: whether its scheme is settled and harmless, or an error where it is a harmful one.
fn url_step(start: &mut String, c: char) -> Result<bool, &'static str> {
    match c {
        '/' | '?' | '#' => Ok(true),
        ':' => match start.as_str() {
            "http" | "https" | "mailto" | "tel" => Ok(true),
            _ => Err("in a URL whose scheme is not http, https, mailto or tel"),
        },
        // Browsers pass over these before and inside a scheme.
        c if c.is_ascii_whitespace() || c.is_ascii_control() => Ok(false),
        // A backslash is a slash to a browser, `&` may write any character.
        '&' => Err("in a URL that begins with a character reference"),
        c => {
            start.push(c.to_ascii_lowercase());
            Ok(false)
        }
    }
}

impl Script {
    fn step(self, c: char) -> Script {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the `$` of `page` stands.
    fn at(page: &str, kind: Kind<'_>) -> Result<Escape, &'static str> {
        let mut position = Position::default();
        let (before, after) = page.split_once('$').unwrap();
        position.literal(before)?;
        let escape = position.variable(kind)?;
        position.literal(after)?;
        position.end()?;
        Ok(escape)
    }

    #[test]
    fn a_variable_is_written_for_its_place() {
        for (page, escape) in [
            ("<p>$</p>", Escape::Html),
            ("a < b $", Escape::Html),
            ("<title>$</title>", Escape::Html),
            ("<!DOCTYPE html><!-- a -- b --><p>$", Escape::Html),
            ("<!-->$", Escape::Html),
            ("<img alt=\"$\">", Escape::Html),
            ("<img alt = '$'/>", Escape::Html),
            ("<time datetime=\"$\">", Escape::Html),
            ("<a href=\"/x?p=$\">", Escape::Url),
            ("<a href='https://example.com/$'>", Escape::Url),
            ("<a href=\"?$\">", Escape::Url),
            ("<A HREF=\"mailto:$\">", Escape::Url),
            ("<script>let a = \"$\";</script>", Escape::Script),
            ("<script>let a = 'it\\'s $';</script>", Escape::Script),
            ("<script>a(`${1} $`) // it's\n</script>".trim(), Escape::Script),
            ("<script>/* don't */ f('$')</SCRIPT >", Escape::Script),
            ("<script>if (a</b/.x) f('$')</script>", Escape::Script),
            ("<script>// don't\nf('$')</script>", Escape::Script),
            ("<style>p { color: red }</style><p>$", Escape::Html),
            ("<meta name=description content=\"$\">", Escape::Html),
        ] {
            let page = if page.contains("${1}") { page.replacen("${1}", "{1}", 1) } else { page.to_owned() };
            assert_eq!(at(&page, Kind::Text), Ok(escape), "{page}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_made_safe_is_refused() {
        for (page, place) in [
            ("<$>", "in the name of a tag"),
            ("<a$>", "in the name of a tag"),
            ("<a $>", "in a tag outside an attribute's value"),
            ("<a b$>", "in a tag outside an attribute's value"),
            ("<a b=$>", "in an attribute without quotes"),
            ("<a b=c$>", "in an attribute without quotes"),
            ("<!-- $ -->", "in a comment"),
            ("<!$>", "in a comment"),
            ("<style>$</style>", "in a style sheet"),
            ("<style>a</styles>$</style>", "in a style sheet"),
            ("<p style=\"$\">", "in a style attribute"),
            ("<p onclick=\"f('$')\">", "in an event handler"),
            ("<iframe srcdoc=\"$\">", "in a srcdoc attribute"),
            ("<img srcset=\"$\">", "in a list of URLs"),
            ("<script>$</script>", "in a script outside a quoted string"),
            ("<script>// $\n</script>", "in a script outside a quoted string"),
            ("<script>/* '$' */</script>", "in a script outside a quoted string"),
            ("<script>a = 'b\n$</script>", "in a script outside a quoted string"),
            ("<script><!-- '$'</script>", "has \"<!--\" inside a script"),
            ("<a href=\"$\">", "where a URL's scheme could stand"),
            ("<a href=\"java$\">", "where a URL's scheme could stand"),
            ("<a href=\"javascript:f('$')\">", "in a URL whose scheme is not http, https, mailto or tel"),
            ("<a href=\" java\nscript:$\">", "in a URL whose scheme is not http, https, mailto or tel"),
            ("<a href=\"&#106;avascript:$\">", "in a URL that begins with a character reference"),
            ("<meta http-equiv=refresh content=\"$\">", "in the content of a meta element with http-equiv"),
            (
                "<meta content=\"$\" http-equiv=refresh>",
                "has a meta element with http-equiv whose content holds a variable",
            ),
            ("$<p", "ends inside a tag, a comment, a script or a style sheet"),
            ("$<script>", "ends inside a tag, a comment, a script or a style sheet"),
        ] {
            assert_eq!(at(page, Kind::Text), Err(place), "{page}");
        }
    }

    #[test]
    fn the_operators_own_text_may_be_a_whole_url() {
        let scheme = Err("in a URL whose scheme is not http, https, mailto or tel");
        for (text, expected) in [
            ("https://status.example.com/?a=b&c=d", Ok(Escape::Html)),
            ("mailto:ops@example.com", Ok(Escape::Html)),
            ("/status", Ok(Escape::Html)),
            ("status.html", Ok(Escape::Html)),
            ("javascript:alert(1)", scheme),
            (" Java\tScript:alert(1)", scheme),
            ("data:text/html,x", scheme),
        ] {
            assert_eq!(at("<a href=\"$\">", Kind::Constant(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_number_may_be_a_refresh() {
        assert_eq!(at("<meta http-equiv=\"refresh\" content=\"$\">", Kind::Number), Ok(Escape::Html));
    }
}
