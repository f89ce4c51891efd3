//! The built-in page and the built-in plain text.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use super::template::{Language, Names, Template};
use crate::tree::{KeyPath, PathError};

const HTML: &str = include_str!("page.html");
const TEXT: &str = include_str!("page.txt");

/// What the built-in page may do (CSP level 3): its own style sheet and script, by their digests, and asking its own site
/// whether it is open again.
pub const SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-S7cpOLPag6E52z3Wbc/mF2EHl2jzSK9ZlhMVkFs9E9s='; \
    script-src 'sha256-bG7kXbohz6IWZoTQREA8JElvlKwTSutm6piLC4gKyiw='; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

thread_local! {
    // Compiled once, as each site of a policy that may have thousands has them.
    static COMPILED: [OnceCell<Template>; 2] = const { [OnceCell::new(), OnceCell::new()] };
}

/// The built-in page.
pub fn html() -> Result<Template, PathError> {
    COMPILED.with(|[html, _]| once(html, || compile(HTML, Language::Html)))
}

/// The built-in plain text.
pub fn text() -> Result<Template, PathError> {
    COMPILED.with(|[_, text]| once(text, || compile(TEXT, Language::Text)))
}

fn once(
    cell: &OnceCell<Template>,
    compile: impl FnOnce() -> Result<Template, PathError>,
) -> Result<Template, PathError> {
    match cell.get() {
        Some(template) => Ok(template.clone()),
        None => compile().map(|template| cell.get_or_init(|| template).clone()),
    }
}

fn compile(source: &'static str, language: Language) -> Result<Template, PathError> {
    let names = Names { context: Some(&[]), built_in: true };
    Template::compile(Rc::new(Cow::Borrowed(source)), language, names)
        .map_err(|problem| PathError::new(&KeyPath::Root, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_codecs::{Base64, Encoder};

    #[test]
    fn the_built_in_templates_are_templates() {
        html().unwrap();
        text().unwrap();
    }

    #[test]
    fn the_page_may_run_its_own_style_and_script_and_nothing_else() {
        for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
            let (_, rest) = HTML.split_once(&format!("<{element}>")).unwrap();
            let (content, rest) = rest.split_once(&format!("</{element}>")).unwrap();
            assert!(!rest.contains(&format!("<{element}")), "one {element} only");
            assert!(!content.contains("{{"), "what has a digest is the same for everyone");
            let digest = Base64::encode_to_string(hmac_sha256::Hash::hash(content.as_bytes())).unwrap();
            let wanted = format!("{directive} 'sha256-{digest}'");
            assert!(SECURITY_POLICY.contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        for asset in ["<link", "<img", "@import", "url(", "src=", " style=", " onclick"] {
            assert!(!HTML.contains(asset), "{asset}");
        }
    }
}
