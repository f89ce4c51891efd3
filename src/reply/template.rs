//! Templates: text with `{{variable}}`, and with `{{#variable}}…{{/variable}}`, which stands only where there is a value,
//! or `{{^variable}}…{{/variable}}`, only where there is none. Read once; what is read cannot fail to be written.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::escape::Escape;
use super::html_context::{HtmlContext, ValueKind};
use super::variables::Variable;
use crate::tree::fields::did_you_mean;

/// What a template is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// An HTML page.
    Html,
    /// Plain text.
    Text,
}

/// What a name in a template can stand for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'n> {
    /// The operator's own texts; none: not known yet, so that any name will do.
    pub context: Option<&'n [(String, String)]>,
    /// Whether the names that only built-in templates have are known.
    pub built_in: bool,
}

/// A template, compiled. Literal text stays in its source, which sites share.
#[derive(Clone, Debug)]
pub struct Template {
    source: Rc<Cow<'static, str>>,
    nodes: Vec<TemplateNode>,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum TemplateNode {
    /// Literal text, in bytes of the source.
    Literal(Range<usize>),
    /// The operator's own text, already escaped.
    Constant(String),
    /// A value.
    Value(Variable, Escape),
    /// The nodes up to `end` stand only where there is (or, `inverted`, is not) a value.
    Section {
        /// Whose value.
        variable: Variable,
        /// Whether it stands where there is none.
        inverted: bool,
        /// The first node after it.
        end: usize,
    },
}

/// What a name stands for.
enum Meaning<'n> {
    Variable(Variable),
    Constant(&'n str),
}

struct OpenSection<'s> {
    name: &'s str,
    /// Its node; none where it is decided already, and whether it then stands.
    node: Option<usize>,
    position: HtmlContext,
    start: usize,
    stands: bool,
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub fn compile(source: Rc<Cow<'static, str>>, language: Language, names: Names<'_>) -> Result<Template, String> {
        let mut nodes = Vec::new();
        let mut position = HtmlContext::default();
        let mut sections: Vec<OpenSection<'_>> = Vec::new();
        let text: &str = &source;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let literal = rest.find("{{").unwrap_or(rest.len());
            if language == Language::Html {
                position.literal(rest.get(..literal).unwrap_or_default()).map_err(str::to_owned)?;
            }
            if literal > 0 {
                nodes.push(TemplateNode::Literal(at..at + literal));
            }
            let Some(tag) = rest.get(literal + 2..) else { break };
            let Some(length) = tag.find("}}") else {
                return Err(format!("\"{}\" is not closed by \"}}}}\"", shortened(rest.get(literal..))));
            };
            at += literal + length + 4;
            let tag = tag.get(..length).unwrap_or_default().trim();
            let (sigil, name) = match tag.strip_prefix(['#', '^', '/']) {
                Some(name) => (tag.chars().next(), name.trim()),
                None => (None, tag),
            };
            match sigil {
                Some('/') => {
                    let open = sections.pop().ok_or_else(|| format!("\"{{{{/{name}}}}}\" closes nothing"))?;
                    if open.name != name {
                        return Err(format!("\"{{{{/{name}}}}}\" stands where \"{{{{/{}}}}}\" should", open.name));
                    }
                    if open.position != position {
                        return Err(format!(
                            "the section \"{{{{#{name}}}}}\" ends in another place of the page than it begins in"
                        ));
                    }
                    let next = nodes.len();
                    if !open.stands {
                        nodes.truncate(open.start);
                    } else if let Some(TemplateNode::Section { end, .. }) =
                        open.node.and_then(|node| nodes.get_mut(node))
                    {
                        *end = next;
                    }
                }
                Some(sigil) => {
                    let (node, stands) = match names.meaning(name)? {
                        Meaning::Variable(variable) => {
                            nodes.push(TemplateNode::Section { variable, inverted: sigil == '^', end: usize::MAX });
                            (Some(nodes.len() - 1), true)
                        }
                        Meaning::Constant(value) => (None, value.is_empty() == (sigil == '^')),
                    };
                    sections.push(OpenSection { name, node, position: position.clone(), start: nodes.len(), stands });
                }
                None => {
                    let meaning = names.meaning(name)?;
                    let escape = match language {
                        Language::Text => Escape::Plain,
                        Language::Html => position.variable(meaning.kind()).map_err(|place| {
                            format!("\"{{{{{name}}}}}\" stands {place}, where it can't be made safe")
                        })?,
                    };
                    nodes.push(match meaning {
                        Meaning::Variable(variable) => TemplateNode::Value(variable, escape),
                        Meaning::Constant(value) => {
                            let mut written = String::new();
                            escape.write(value, &mut written);
                            TemplateNode::Constant(written)
                        }
                    });
                }
            }
        }
        if let Some(open) = sections.last() {
            return Err(format!("the section \"{{{{#{}}}}}\" is not closed", open.name));
        }
        if language == Language::Html {
            position.end().map_err(str::to_owned)?;
        }
        nodes.shrink_to_fit();
        Ok(Template { source, nodes })
    }

    /// Walks the pieces that stand, given which variables have a value.
    pub fn walk<'t>(&'t self, has: impl Fn(Variable) -> bool, mut visit: impl FnMut(Piece<'t>)) {
        let mut next = 0;
        while let Some(node) = self.nodes.get(next) {
            next += 1;
            match node {
                TemplateNode::Literal(range) => {
                    visit(Piece::Literal(self.source.get(range.clone()).unwrap_or_default()))
                }
                TemplateNode::Constant(text) => visit(Piece::Literal(text)),
                TemplateNode::Value(variable, escape) => visit(Piece::Value(*variable, *escape)),
                TemplateNode::Section { variable, inverted, end } => {
                    if has(*variable) == *inverted {
                        next = *end;
                    }
                }
            }
        }
    }
}

/// A piece of a template that stands.
pub enum Piece<'t> {
    /// Text as it is.
    Literal(&'t str),
    /// A value, and how it is written.
    Value(Variable, Escape),
}

impl<'n> Names<'n> {
    fn meaning(&self, name: &str) -> Result<Meaning<'n>, String> {
        if let Some(variable) = Variable::named(name, self.built_in) {
            return Ok(Meaning::Variable(variable));
        }
        let Some(context) = self.context else { return Ok(Meaning::Constant("")) };
        context.iter().find(|(key, _)| key == name).map(|(_, value)| Meaning::Constant(value)).ok_or_else(|| {
            let known = Variable::names().chain(context.iter().map(|(key, _)| key.as_str()));
            format!("\"{{{{{name}}}}}\" is no variable{}", did_you_mean(name, known))
        })
    }
}

impl<'n> Meaning<'n> {
    fn kind(&self) -> ValueKind<'n> {
        match self {
            Meaning::Variable(Variable::RetryAfter) => ValueKind::Number,
            Meaning::Variable(_) => ValueKind::Text,
            Meaning::Constant(value) => ValueKind::Constant(value),
        }
    }
}

/// The beginning of a text, for errors.
fn shortened(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands of a text where there is a reason and no `eta`; values in angle brackets.
    fn standing(source: &'static str) -> Result<String, String> {
        let context = [("team".to_owned(), "Ops".to_owned()), ("none".to_owned(), String::new())];
        let names = Names { context: Some(&context), built_in: false };
        let template = Template::compile(Rc::new(Cow::Borrowed(source)), Language::Text, names)?;
        let mut out = String::new();
        template.walk(
            |variable| variable != Variable::Eta,
            |piece| match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Value(variable, _) => out.push_str(&format!("<{variable:?}>")),
            },
        );
        Ok(out)
    }

    #[test]
    fn sections_stand_where_there_is_a_value() {
        for (source, expected) in [
            ("", ""),
            ("no variable } {", "no variable } {"),
            ("{{reason}}{{ path }}", "<Reason><Path>"),
            ("a {{#eta}}{{eta}}{{/eta}}b", "a b"),
            ("a {{^eta}}soon{{/eta}}b", "a soonb"),
            ("{{# reason }}x{{/ reason }}", "x"),
            ("{{#reason}}1{{#eta}}2{{/eta}}3{{^reason}}4{{/reason}}5{{/reason}}6", "1356"),
            ("{{#eta}}1{{#reason}}2{{/reason}}{{/eta}}3", "3"),
            ("{{team}}{{#team}}!{{/team}}{{^team}}?{{/team}}", "Ops!"),
            ("{{#none}}{{reason}}{{#eta}}x{{/eta}}{{/none}}{{^none}}-{{/none}}", "-"),
        ] {
            assert_eq!(standing(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (source, message) in [
            ("{{", "\"{{\" is not closed by \"}}\""),
            ("{{}}", "\"{{}}\" is no variable"),
            ("{{{reason}}}", "\"{{{reason}}\" is no variable; did you mean \"reason\"?"),
            ("{{tem}}", "\"{{tem}}\" is no variable; did you mean \"team\"?"),
        ] {
            assert_eq!(standing(source).unwrap_err(), message, "{source}");
        }
    }
}
