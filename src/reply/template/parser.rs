//! The parser of templates.

use super::{Names, TemplateNode};
use crate::reply::escape::Escape;
use crate::reply::html_context::HtmlContext;
use crate::reply::partial;
use crate::reply::variables::Variable;
use crate::tree::fields::did_you_mean;

/// The meaning of a name in a template.
enum Meaning<'n> {
    Variable(Variable),
    /// A text of `context`, known when the policy loads.
    Constant(&'n str),
}

impl<'n> Names<'n> {
    fn meaning(&self, name: &str) -> Result<Meaning<'n>, String> {
        if let Some(variable) = Variable::named(name, self.built_in) {
            return Ok(Meaning::Variable(variable));
        }
        let Some(context) = self.context else { return Ok(Meaning::Constant("")) };
        if self.built_in && name == "contact" && !context.iter().any(|(key, _)| key == name) {
            return Ok(Meaning::Constant(""));
        }
        context.iter().find(|(key, _)| key == name).map(|(_, value)| Meaning::Constant(value)).ok_or_else(|| {
            let known = Variable::names().chain(partial::names()).chain(context.iter().map(|(key, _)| key.as_str()));
            format!("unknown variable \"{{{{{name}}}}}\"{}", did_you_mean(name, known))
        })
    }
}

/// The nodes of a template.
pub fn parse(source: &str, escape: Escape, names: Names<'_>) -> Result<Vec<TemplateNode>, String> {
    TemplateParser::new(source, escape, names).parse()
}

struct TemplateParser<'s, 'n> {
    /// The source from `position` on.
    rest: &'s str,
    position: usize,
    nodes: Vec<TemplateNode>,
    /// The open sections, innermost last.
    sections: Vec<OpenSection<'s>>,
    /// The context at `position`; none: plain text.
    context: Option<HtmlContext>,
    escape: Escape,
    names: Names<'n>,
}

struct OpenSection<'s> {
    name: &'s str,
    /// The first node inside the section.
    start: usize,
    /// True if the section of a constant appears; `None`: decided for each reply, by the node before `start`.
    appears: Option<bool>,
    context: Option<HtmlContext>,
}

impl<'s, 'n> TemplateParser<'s, 'n> {
    fn new(source: &'s str, escape: Escape, names: Names<'n>) -> TemplateParser<'s, 'n> {
        TemplateParser {
            rest: source,
            position: 0,
            nodes: Vec::new(),
            sections: Vec::new(),
            context: (escape == Escape::Html).then(HtmlContext::default),
            escape,
            names,
        }
    }

    fn parse(mut self) -> Result<Vec<TemplateNode>, String> {
        while !self.rest.is_empty() {
            let length = self.rest.find("{{").unwrap_or(self.rest.len());
            self.literal(length)?;
            if let Some(tag) = self.rest.strip_prefix("{{") {
                let Some((tag, _)) = tag.split_once("}}") else {
                    let start: String = self.rest.chars().take(20).collect();
                    return Err(format!("\"{start}\" has no closing \"}}}}\""));
                };
                self.tag(tag.trim())?;
                self.advance(tag.len() + 4);
            }
        }
        if let Some(open) = self.sections.last() {
            return Err(format!("\"{{{{#{0}}}}}\" has no closing \"{{{{/{0}}}}}\"", open.name));
        }
        if let Some(context) = &self.context {
            context.end().map_err(str::to_owned)?;
        }
        self.nodes.shrink_to_fit();
        Ok(self.nodes)
    }

    /// Moves over `length` bytes of the source.
    fn advance(&mut self, length: usize) {
        self.position += length;
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    fn literal(&mut self, length: usize) -> Result<(), String> {
        if let (Some(context), Some(text)) = (&mut self.context, self.rest.get(..length)) {
            context.literal(text).map_err(str::to_owned)?;
        }
        if length > 0 {
            self.nodes.push(TemplateNode::Literal(self.position..self.position + length));
        }
        self.advance(length);
        Ok(())
    }

    fn tag(&mut self, tag: &'s str) -> Result<(), String> {
        let name = |sigil: char| tag.strip_prefix(sigil).map(str::trim);
        if let Some(name) = name('/') {
            self.close_section(name)
        } else if let Some(name) = name('#') {
            self.open_section(name, false)
        } else if let Some(name) = name('^') {
            self.open_section(name, true)
        } else {
            self.variable(tag)
        }
    }

    fn open_section(&mut self, name: &'s str, inverted: bool) -> Result<(), String> {
        let appears = match self.names.meaning(name)? {
            Meaning::Variable(variable) => {
                self.nodes.push(TemplateNode::Section { variable, inverted, end: usize::MAX });
                None
            }
            Meaning::Constant(value) => Some(value.is_empty() == inverted),
        };
        self.sections.push(OpenSection { name, start: self.nodes.len(), appears, context: self.context.clone() });
        Ok(())
    }

    fn close_section(&mut self, name: &str) -> Result<(), String> {
        let open = self.sections.pop().ok_or_else(|| format!("\"{{{{/{name}}}}}\" closes no section"))?;
        if open.name != name {
            return Err(format!("expected \"{{{{/{}}}}}\", found \"{{{{/{name}}}}}\"", open.name));
        }
        if open.context != self.context {
            let problem = "begins and ends in different HTML contexts; put whole elements into it";
            return Err(format!("the section \"{{{{#{name}}}}}\" {problem}"));
        }
        let next = self.nodes.len();
        match open.appears {
            Some(true) => {}
            Some(false) => self.nodes.truncate(open.start),
            None => {
                if let Some(TemplateNode::Section { end, .. }) =
                    open.start.checked_sub(1).and_then(|node| self.nodes.get_mut(node))
                {
                    *end = next;
                }
            }
        }
        Ok(())
    }

    /// The nodes of a part of the built-in page.
    fn partial(&self, name: &str) -> Result<Option<Vec<TemplateNode>>, String> {
        // A text of `context` comes first.
        let context = self.names.context.filter(|context| !context.iter().any(|(key, _)| key == name));
        let Some(context) = context else { return Ok(None) };
        if name == partial::CONTACT_LINK {
            let link = partial::contact_link(context, self.escape);
            return Ok(Some(vec![TemplateNode::Constant(link)]));
        }
        let Some(source) = partial::source(name, self.escape) else { return Ok(None) };
        let names = Names { context: Some(&[]), built_in: true };
        let mut nodes = parse(source, self.escape, names)?;
        for node in &mut nodes {
            match node {
                TemplateNode::Literal(range) => {
                    *node = TemplateNode::BuiltIn(source.get(range.clone()).unwrap_or_default());
                }
                TemplateNode::Section { end, .. } => *end += self.nodes.len(),
                TemplateNode::BuiltIn(_) | TemplateNode::Constant(_) | TemplateNode::Value(_) => {}
            }
        }
        Ok(Some(nodes))
    }

    fn variable(&mut self, name: &str) -> Result<(), String> {
        if let Some(nodes) = self.partial(name)? {
            if self.context.as_ref().is_some_and(|context| !context.is_element_text()) {
                return Err(format!("\"{{{{{name}}}}}\" contains elements; put it into element text"));
            }
            self.nodes.extend(nodes);
            return Ok(());
        }
        let meaning = self.names.meaning(name)?;
        if let Some(Err(position)) = self.context.as_ref().map(HtmlContext::variable) {
            let hint = "put it into element text or into a quoted attribute such as data-value=\"…\"";
            return Err(format!("\"{{{{{name}}}}}\" is not allowed in {position}; {hint}"));
        }
        self.nodes.push(match meaning {
            Meaning::Variable(variable) => TemplateNode::Value(variable),
            Meaning::Constant(value) => {
                let mut escaped = String::new();
                self.escape.write(value, &mut escaped);
                TemplateNode::Constant(escaped)
            }
        });
        Ok(())
    }
}
