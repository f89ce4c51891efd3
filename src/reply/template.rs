//! Templates: text with variables and sections.
//!
//! ```text
//! {{reason}}              the value of a variable, escaped
//! {{#eta}}…{{/eta}}       a section: appears only if the variable has a value
//! {{^eta}}…{{/eta}}       an inverted section: appears only if it has none
//! {{eta_local}}           a part of the built-in page: see `partial`
//! ```
//!
//! A template is parsed once, when the policy loads; a parsed template always renders. In HTML, variables are allowed in
//! element text and in quoted plain attributes (see [`html_context`](super::html_context)), and a section must end in the
//! context in which it begins.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::escape::Escape;
use super::variables::Variable;

mod parser;

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
        let nodes = parser::parse(&source, escape, names)?;
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

#[cfg(test)]
mod tests;
