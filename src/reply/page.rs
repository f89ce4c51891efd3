//! The built-in page and the built-in plain text.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::escape::Escape;
use super::partial;
use super::template::{Names, Template};
use crate::tree::{KeyPath, PathError};

const HTML: &str = include_str!("page.html");
const TEXT: &str = include_str!("page.txt");

/// The content security policy of the built-in page (CSP Level 3). It allows the page's own style sheet and script, by
/// their digests, and requests to its own site.
pub const SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-etfqxgIdRMdMsPwCh+Zniktt++5HX+/bBOs5EXZicYU='; \
    script-src 'sha256-3QfxuAOtv3tuqdrvGtGYOkMAEOiB4jiRErNLeBnc1v4='; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

thread_local! {
    /// The template that each worker has parsed last for each language, and its contact link. Most sites have the same.
    static PARSED: [RefCell<Option<(String, Template)>>; 2] = const { [RefCell::new(None), RefCell::new(None)] };
}

/// The built-in page, with the contact of `context`.
pub fn html(context: &[(String, String)]) -> Result<Template, PathError> {
    PARSED.with(|[html, _]| parsed(html, HTML, Escape::Html, context))
}

/// The built-in plain text, with the contact of `context`.
pub fn text(context: &[(String, String)]) -> Result<Template, PathError> {
    PARSED.with(|[_, text]| parsed(text, TEXT, Escape::Plain, context))
}

fn parsed(
    last: &RefCell<Option<(String, Template)>>,
    source: &'static str,
    escape: Escape,
    context: &[(String, String)],
) -> Result<Template, PathError> {
    let contact = partial::contact_link(context, escape);
    if let Some((_, template)) = last.borrow().as_ref().filter(|(known, _)| *known == contact) {
        return Ok(template.clone());
    }
    let names = Names { context: Some(context), built_in: true };
    let template = Template::compile(Rc::new(Cow::Borrowed(source)), escape, names)
        .map_err(|problem| PathError::new(&KeyPath::Root, problem))?;
    last.replace(Some((contact, template.clone())));
    Ok(template)
}

#[cfg(test)]
mod tests;
