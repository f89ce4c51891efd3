//! `format` and `formats` of a reply.

use std::rc::Rc;

use crate::config::FormatConfig;
use crate::matching::path::compile_paths;
use crate::matching::text::{TextMatcher, Unexamined};
use crate::request::Request;
use crate::tree::{KeyPath, PathError, fields};

/// A format in a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Negotiated with the client.
    #[default]
    Auto,
    /// A page.
    Html,
    /// Problem details (RFC 9457).
    Json,
    /// Plain text.
    Text,
}

const FORMATS: [(&str, Format); 4] =
    [("auto", Format::Auto), ("html", Format::Html), ("json", Format::Json), ("text", Format::Text)];

impl Format {
    /// Reads the name of a format.
    pub fn read(name: &str, path: &KeyPath<'_>) -> Result<Format, PathError> {
        FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format).ok_or_else(|| {
            let hint = match fields::did_you_mean(name, FORMATS.iter().map(|(known, _)| *known)) {
                hint if hint.is_empty() => "; formats are auto, html, json and text".to_owned(),
                hint => hint,
            };
            PathError::new(path, format_args!("\"{name}\" is not a format{hint}"))
        })
    }
}

/// Formats by path: the first entry that matches applies. Sites share them.
#[derive(Clone, Debug)]
pub struct FormatsByPath(Rc<Vec<(TextMatcher, Format)>>);

impl FormatsByPath {
    /// Compiles `formats`.
    pub fn compile(configs: &[FormatConfig], path: &KeyPath<'_>) -> Result<FormatsByPath, PathError> {
        let mut formats = Vec::with_capacity(configs.len());
        for (index, FormatConfig { paths, format }) in configs.iter().enumerate() {
            let path = path.index(index);
            let paths = compile_paths(paths, &path.key("paths"))?;
            formats.push((paths, Format::read(format, &path.key("format"))?));
        }
        Ok(FormatsByPath(Rc::new(formats)))
    }

    /// The format for the path of a request, if an entry matches. An ambiguous path matches by any of its
    /// interpretations, because a format lets nothing through.
    pub fn find(&self, request: &Request<'_>) -> Option<Format> {
        let requested = request.path.paths();
        let matches = |paths: &TextMatcher| {
            requested.iter().any(|path| paths.is_match(path.as_bytes(), Unexamined::Differs, &request.budget))
        };
        self.0.iter().find(|(paths, _)| matches(paths)).map(|(_, format)| *format)
    }
}
