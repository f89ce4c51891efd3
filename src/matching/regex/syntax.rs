//! Parses the regexes that become automata. Their syntax is characters, `.`, classes, groups, `|` and repetitions; `^` and
//! `$` at the beginning and end of a top-level alternative; and `(?i)` at the beginning. `regex_lite` runs all others.

/// The syntax tree of a regex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// One character of a class.
    Class(Class),
    /// All of the nodes, one after the other.
    Sequence(Vec<Node>),
    /// One of the nodes.
    Either(Vec<Node>),
    /// The node, repeated at least and at most this many times.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// A set of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// The first and last character of each range.
    ranges: Vec<(char, char)>,
    is_negated: bool,
}

impl Class {
    /// The number of ranges.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// True if a character is in the set.
    pub fn takes(&self, c: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != self.is_negated
    }

    /// Adds the other case of each ASCII letter.
    fn fold(&mut self) {
        let both = |(first, last): &(char, char)| {
            let letters = (*first..=*last).filter(char::is_ascii_alphabetic);
            letters.map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        };
        let other: Vec<char> = self.ranges.iter().flat_map(both).collect();
        self.ranges.extend(other.into_iter().map(|c| (c, c)));
    }
}

/// The most repetitions in an automaton.
const MAX_REPEAT: u32 = 1000;

/// Parses a valid regex; none if it uses other syntax.
pub fn parse(regex: &str) -> Option<Node> {
    let (ignores_case, rest) = regex.strip_prefix("(?i)").map_or((false, regex), |rest| (true, rest));
    let mut parser = RegexParser { rest, ignores_case, depth: 0 };
    let node = parser.alternatives()?;
    parser.rest.is_empty().then_some(node)
}

struct RegexParser<'r> {
    rest: &'r str,
    ignores_case: bool,
    /// The number of open groups.
    depth: usize,
}

impl RegexParser<'_> {
    /// Consumes `text`, if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn alternatives(&mut self) -> Option<Node> {
        let mut all = vec![self.sequence()?];
        while self.take("|") {
            all.push(self.sequence()?);
        }
        Some(if all.len() == 1 { all.pop()? } else { Node::Either(all) })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        // Inside a group, `^` and `$` do not anchor the whole regex.
        if self.depth == 0 {
            self.take("^");
        }
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            if self.depth == 0
                && matches!(self.rest.strip_prefix('$'), Some(rest) if rest.is_empty() || rest.starts_with('|'))
            {
                self.next();
                break;
            }
            let piece = self.piece()?;
            nodes.push(self.repeated(piece)?);
        }
        Some(Node::Sequence(nodes))
    }

    fn piece(&mut self) -> Option<Node> {
        match self.next()? {
            '(' => {
                if !self.take("?:") && self.rest.starts_with('?') {
                    return None;
                }
                self.depth += 1;
                let node = self.alternatives()?;
                self.depth -= 1;
                self.take(")").then_some(node)
            }
            '.' => Some(Node::Class(Class { ranges: vec![('\n', '\n')], is_negated: true })),
            '[' => self.class(),
            '\\' => {
                let class = self.escape()?;
                Some(self.node(class))
            }
            '^' | '$' | '*' | '+' | '?' | '{' | '}' | ']' => None,
            c => Some(self.node(Class { ranges: vec![(c, c)], is_negated: false })),
        }
    }

    fn node(&self, mut class: Class) -> Node {
        if self.ignores_case {
            class.fold();
        }
        Node::Class(class)
    }

    /// Applies the repetition operator after a piece. Greediness is irrelevant, because the whole value must match.
    fn repeated(&mut self, piece: Node) -> Option<Node> {
        let (least, most) = match self.rest.chars().next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(piece),
            _ => return Some(piece),
        };
        self.next();
        self.repeated_once(Node::Repeat(Box::new(piece), least, most))
    }

    fn counted(&mut self, piece: Node) -> Option<Node> {
        let (counts, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
        self.rest = rest;
        let number = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MAX_REPEAT);
        let (least, most) = match counts.split_once(',') {
            None => (number(counts)?, Some(number(counts)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        self.repeated_once(Node::Repeat(Box::new(piece), least, most))
    }

    /// Consumes the `?` of a lazy operator. Any further operator is other syntax.
    fn repeated_once(&mut self, node: Node) -> Option<Node> {
        self.take("?");
        (!self.rest.starts_with(['*', '+', '?', '{'])).then_some(node)
    }

    fn class(&mut self) -> Option<Node> {
        let is_negated = self.take("^");
        let mut class = Class::default();
        loop {
            let is_first = class.ranges.is_empty();
            let low = match self.next()? {
                ']' if !is_first => break,
                // Nested classes and set operations.
                '[' | '&' | '~' => return None,
                '\\' => {
                    let escaped = self.escape()?;
                    match escaped.ranges.as_slice() {
                        _ if escaped.is_negated => return None,
                        [(one, other)] if one == other => *one,
                        _ => {
                            class.ranges.extend(escaped.ranges);
                            continue;
                        }
                    }
                }
                c => c,
            };
            let high = match self.rest.strip_prefix('-').and_then(|rest| rest.chars().next()) {
                // Not a range.
                None | Some(']') => low,
                Some('-' | '[' | '\\') => return None,
                Some(high) => {
                    self.next();
                    self.next();
                    high
                }
            };
            class.ranges.push((low, high));
        }
        if self.ignores_case {
            class.fold();
        }
        class.is_negated = is_negated;
        Some(Node::Class(class))
    }

    /// The class of the escape sequence after a backslash.
    fn escape(&mut self) -> Option<Class> {
        let one = |c: char| vec![(c, c)];
        let word = vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
        let space = vec![('\t', '\r'), (' ', ' ')];
        let (ranges, is_negated) = match self.next()? {
            'n' => (one('\n'), false),
            'r' => (one('\r'), false),
            't' => (one('\t'), false),
            'd' => (vec![('0', '9')], false),
            'D' => (vec![('0', '9')], true),
            'w' => (word, false),
            'W' => (word, true),
            's' => (space, false),
            'S' => (space, true),
            c if c.is_ascii_punctuation() && !matches!(c, '<' | '>') => (one(c), false),
            _ => return None,
        };
        Some(Class { ranges, is_negated })
    }
}
