//! The built-in page and the built-in plain text.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use super::escape::Escape;
use super::template::{Names, Template};
use crate::tree::{KeyPath, PathError};

const HTML: &str = include_str!("page.html");
const TEXT: &str = include_str!("page.txt");

/// The content security policy of the built-in page (CSP Level 3). It allows the page's own style sheet and script, by
/// their digests, and requests to its own site.
pub const SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-S7cpOLPag6E52z3Wbc/mF2EHl2jzSK9ZlhMVkFs9E9s='; \
    script-src 'sha256-pWwzu9WIGYEV13RMzIWdpVJq/324jCs1FsEm1uZuz+w='; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

thread_local! {
    // Each worker parses them once, for all sites.
    static PARSED: [OnceCell<Template>; 2] = const { [OnceCell::new(), OnceCell::new()] };
}

/// The built-in page.
pub fn html() -> Result<Template, PathError> {
    PARSED.with(|[html, _]| once(html, HTML, Escape::Html))
}

/// The built-in plain text.
pub fn text() -> Result<Template, PathError> {
    PARSED.with(|[_, text]| once(text, TEXT, Escape::Plain))
}

fn once(cell: &OnceCell<Template>, source: &'static str, escape: Escape) -> Result<Template, PathError> {
    if let Some(template) = cell.get() {
        return Ok(template.clone());
    }
    let names = Names { context: Some(&[]), built_in: true };
    let template = Template::compile(Rc::new(Cow::Borrowed(source)), escape, names)
        .map_err(|problem| PathError::new(&KeyPath::Root, problem))?;
    Ok(cell.get_or_init(|| template).clone())
}

#[cfg(test)]
mod tests;
