//! The built-in page and the built-in plain text.

use std::borrow::Cow;
use std::rc::Rc;

use super::template::{Language, Names, Template};
use crate::tree::{Path, PathError};

const HTML: &str = include_str!("page.html");
const TEXT: &str = include_str!("page.txt");

/// What the built-in page may do: its own style sheet and script, and asking its own site whether it is open again.
pub const SECURITY_POLICY: &str =
    "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The built-in page.
pub fn html() -> Result<Template, PathError> {
    compile(HTML, Language::Html)
}

/// The built-in plain text.
pub fn text() -> Result<Template, PathError> {
    compile(TEXT, Language::Text)
}

fn compile(source: &'static str, language: Language) -> Result<Template, PathError> {
    let names = Names { context: Some(&[]), built_in: true };
    Template::compile(Rc::new(Cow::Borrowed(source)), language, names)
        .map_err(|problem| PathError::new(&Path::Root, problem))
}
