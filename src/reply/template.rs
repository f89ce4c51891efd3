//! Templates: text with variables and sections.
//!
//! ```text
//! {{reason}}              the value of a variable, escaped
//! {{#eta}}…{{/eta}}       a section: appears only if the variable has a value
//! {{^eta}}…{{/eta}}       an inverted section: appears only if it has none
//! {{eta_local}}           a part of the built-in page: see [`partial`]
//! ```
//!
//! A template is parsed once, when the policy loads; a parsed template always renders. In HTML, variables are allowed in
//! element text and in quoted plain attributes (see [`HtmlContext`]), and a section must end in the context in which it
//! begins.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::escape::Escape;
use super::html_context::HtmlContext;
use super::partial;
use super::variables::Variable;
use crate::tree::fields::did_you_mean;

/// The source of a template, shared by the sites that use it.
pub type SharedSource = Rc<Cow<'static, str>>;

/// The names that a template may use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'n> {
    /// The texts of `context`; none: not known yet, so that every name is accepted.
    pub context: Option<&'n [(String, String)]>,
    /// True if the variables of built-in templates are known.
    pub built_in: bool,
}

/// A parsed template. Literal text stays in its source.
#[derive(Clone, Debug)]
pub struct Template {
    source: SharedSource,
    nodes: Vec<TemplateNode>,
    /// The escaping of its values.
    pub escape: Escape,
}

#[derive(Clone, Debug)]
enum TemplateNode {
    /// A byte range of the source.
    Literal(Range<usize>),
    /// Literal text of a part of the built-in page.
    BuiltIn(&'static str),
    /// A text of `context`, escaped.
    Constant(String),
    Value(Variable),
    /// Renders the nodes up to `end` only if the variable has a value, or has none if `inverted`.
    Section {
        variable: Variable,
        inverted: bool,
        end: usize,
    },
}

/// A part of a rendered template.
pub enum Piece<'t> {
    /// Literal text.
    Literal(&'t str),
    /// The value of a variable, to be escaped.
    Value(Variable),
}

impl Template {
    /// Parses a template; `escape` is its language: plain text or HTML. Errors contain the tag.
    pub fn compile(source: SharedSource, escape: Escape, names: Names<'_>) -> Result<Template, String> {
        if let Some(tag) = foreign_tag(&source) {
            return Err(format!(
                "\"{tag}\" is a tag of another template language; write {{{{reason}}}} for a value, and \
                 {{{{#reason}}}}…{{{{/reason}}}} for text that appears only if there is one"
            ));
        }
        let nodes = TemplateParser::new(&source, escape, names).parse()?;
        Ok(Template { source, nodes, escape })
    }

    /// Visits the pieces that are rendered if the variables for which `has_value` is true have a value.
    pub fn render<'t>(&'t self, has_value: impl Fn(Variable) -> bool, mut visit: impl FnMut(Piece<'t>)) {
        let mut next = 0;
        while let Some(node) = self.nodes.get(next) {
            next += 1;
            match node {
                TemplateNode::Literal(range) => {
                    visit(Piece::Literal(self.source.get(range.clone()).unwrap_or_default()))
                }
                TemplateNode::BuiltIn(text) => visit(Piece::Literal(text)),
                TemplateNode::Constant(text) => visit(Piece::Literal(text)),
                TemplateNode::Value(variable) => visit(Piece::Value(*variable)),
                TemplateNode::Section { variable, inverted, end } => {
                    if has_value(*variable) == *inverted {
                        next = *end;
                    }
                }
            }
        }
    }
}

/// The first tag of Django or Jinja, such as `{% if reason %}`.
fn foreign_tag(source: &str) -> Option<&str> {
    source.lines().find_map(|line| {
        let tag = line.get(line.find("{%")?..)?;
        tag.get(..tag.find("%}")? + 2)
    })
}

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
        let mut nodes = TemplateParser::new(source, self.escape, names).parse()?;
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

#[cfg(test)]
mod tests;
