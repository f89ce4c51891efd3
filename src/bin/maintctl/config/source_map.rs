//! Source maps: the lines and columns of the values of a YAML or JSON text by key path, and the text's comments.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::config::tree_query::camel_case;

/// A line and a column, counted from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// The position of a value, and the line of the member whose text contains it, if any: a text has no comments of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub position: Position,
    pub text_line: Option<usize>,
}

/// A comment of a text, without its `#`.
#[derive(Debug, PartialEq, Eq)]
pub struct Comment {
    pub text: String,
    pub position: Position,
    /// True if the comment has a line of its own.
    pub has_own_line: bool,
}

/// The positions in a text.
pub struct SourceMap {
    /// The root nodes of the documents that are not empty.
    documents: Vec<Rc<SourceNode>>,
    pub comments: Vec<Comment>,
}

/// A value and its position.
struct SourceNode {
    position: Position,
    content: NodeContent,
}

enum NodeContent {
    Scalar,
    /// A literal block scalar (`|`): its text, and the line and indentation of its first line.
    Block {
        text: String,
        first_line: usize,
        indentation: usize,
    },
    List(Vec<Rc<SourceNode>>),
    /// Keys with their positions, and values.
    Map(Vec<(String, Position, Rc<SourceNode>)>),
}

impl SourceMap {
    /// Parses a text. The error is the position of a syntax error.
    pub fn parse(text: &str) -> Result<SourceMap, Position> {
        let lines = text.lines().collect();
        let mut reader =
            EventReader { parser: Parser::new_from_str(text), lines, anchors: HashMap::new(), comments: Vec::new() };
        let documents = reader.documents().map_err(|error| marker(error.marker()))?;
        Ok(SourceMap { documents, comments: reader.comments })
    }

    /// The location of the value at a key path, or of the nearest existing value that would contain it.
    pub fn locate(&self, document: usize, path: &str) -> Option<Location> {
        let mut node = self.documents.get(document)?;
        let (mut position, mut rest) = (node.position, path);
        while !rest.is_empty() {
            match node.step(rest) {
                Some((next_position, next, next_rest)) => (position, node, rest) = (next_position, next, next_rest),
                None => break,
            }
        }
        let inner = node.inside(rest).map(|inner| Location { position: inner, text_line: Some(position.line) });
        Some(inner.unwrap_or(Location { position, text_line: None }))
    }
}

impl SourceNode {
    /// The value to which the first step of a key path leads, its position, and the rest of the path.
    fn step<'n, 'p>(&'n self, path: &'p str) -> Option<(Position, &'n Rc<SourceNode>, &'p str)> {
        match &self.content {
            NodeContent::Map(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                let matches = entries.iter().filter_map(|(key, position, value)| {
                    let rest = path.strip_prefix(key.as_str()).or_else(|| {
                        let end = path.find(['.', '[']).unwrap_or(path.len());
                        let (first, rest) = path.split_at(end);
                        (camel_case(first) == *key).then_some(rest)
                    })?;
                    (rest.is_empty() || rest.starts_with(['.', '['])).then_some((*position, value, rest))
                });
                // Keys may contain dots.
                matches.min_by_key(|(_, _, rest)| rest.len())
            }
            NodeContent::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((item.position, item, rest))
            }
            NodeContent::Scalar | NodeContent::Block { .. } => None,
        }
    }

    /// The position of the value at a key path in the text of a block scalar that is itself YAML or JSON.
    fn inside(&self, path: &str) -> Option<Position> {
        let NodeContent::Block { text, first_line, indentation } = &self.content else { return None };
        let inner = SourceMap::parse(text).ok()?.locate(0, path)?.position;
        let position = Position { line: first_line + inner.line - 1, column: indentation + inner.column };
        (!path.is_empty()).then_some(position)
    }
}

/// Builds nodes from the events of a parser.
struct EventReader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    lines: Vec<&'t str>,
    anchors: HashMap<usize, Rc<SourceNode>>,
    comments: Vec<Comment>,
}

impl<'t> EventReader<'t> {
    fn documents(&mut self) -> Result<Vec<Rc<SourceNode>>, ScanError> {
        let mut documents = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                // The readers of trees skip documents that are null too.
                Event::Scalar(text, ScalarStyle::Plain, _, _)
                    if ["", "~", "null", "Null", "NULL"].contains(&&*text) => {}
                event => documents.extend(self.node(event, span)?),
            }
        }
        Ok(documents)
    }

    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ScanError> {
        while let Some(next) = self.parser.next() {
            match next? {
                (Event::Comment(text, _), span) => {
                    let position = marker(&span.start);
                    let has_own_line = self.is_first(position);
                    self.comments.push(Comment { text: text.into_owned(), position, has_own_line });
                }
                next => return Ok(Some(next)),
            }
        }
        Ok(None)
    }

    /// True if nothing but white space precedes a position in its line.
    fn is_first(&self, position: Position) -> bool {
        let line = self.lines.get(position.line - 1).copied().unwrap_or_default();
        line.chars().take(position.column - 1).all(char::is_whitespace)
    }

    /// The node that an event begins; `None` for the end of a list or map.
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Option<Rc<SourceNode>>, ScanError> {
        let position = marker(&span.start);
        let (content, anchor) = match event {
            Event::Scalar(text, ScalarStyle::Literal, anchor, _) => (self.block(&text, &span), anchor),
            Event::Scalar(_, _, anchor, _) => (NodeContent::Scalar, anchor),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some(item) = self.value()? {
                    items.push(item);
                }
                (NodeContent::List(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => (NodeContent::Map(self.entries()?), anchor),
            Event::Alias(anchor) => {
                let content = match self.anchors.get(&anchor).map(|node| &node.content) {
                    Some(NodeContent::List(items)) => NodeContent::List(items.clone()),
                    Some(NodeContent::Map(entries)) => NodeContent::Map(entries.clone()),
                    _ => NodeContent::Scalar,
                };
                return Ok(Some(Rc::new(SourceNode { position, content })));
            }
            _ => return Ok(None),
        };
        let node = Rc::new(SourceNode { position, content });
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(Some(node))
    }

    /// The next value; `None` at the end of a list or map.
    fn value(&mut self) -> Result<Option<Rc<SourceNode>>, ScanError> {
        match self.next()? {
            Some((event, span)) => self.node(event, span),
            None => Ok(None),
        }
    }

    fn entries(&mut self) -> Result<Vec<(String, Position, Rc<SourceNode>)>, ScanError> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        while let Some((event, span)) = self.next()? {
            let position = marker(&span.start);
            let key = match &event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => key.clone().into_owned(),
                _ => String::new(),
            };
            self.node(event, span)?;
            let Some(value) = self.value()? else { break };
            match &value.content {
                NodeContent::Map(own) if key == "<<" => merged.extend(own.iter().cloned()),
                _ => entries.push((key, position, value)),
            }
        }
        merged.retain(|(key, ..)| entries.iter().all(|(own, ..)| own != key));
        entries.extend(merged);
        Ok(entries)
    }

    /// The content of a literal block scalar. Its span begins at the `|`, or at its first line that is not blank.
    fn block(&self, text: &str, span: &Span) -> NodeContent {
        let start = span.start.line();
        let line = |number: usize| self.lines.get(number - 1).copied().unwrap_or_default();
        let blank = text.lines().take_while(|line| line.trim().is_empty()).count();
        let first = text.lines().nth(blank).unwrap_or_default();
        let first_line = if line(start).trim() == first.trim() { start.saturating_sub(blank) } else { start + 1 };
        let indentation = |line: &str| line.chars().take_while(|c| *c == ' ').count();
        let indentation = indentation(line(first_line + blank)).saturating_sub(indentation(first));
        NodeContent::Block { text: text.to_owned(), first_line, indentation }
    }
}

fn marker(marker: &granit_parser::Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests;
