//! In which form a client is refused: what its protocol, its `accept`, or the policy asks for.

use super::accept::AcceptPreference;
use crate::config::FormatConfig;
use crate::matching::path::compile_paths;
use crate::matching::text::{TextMatcher, Unknown};
use crate::request::{HeaderMap, Request};
use crate::tree::{KeyPath, PathError, fields};

/// `format` in a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What the client asks for.
    #[default]
    Auto,
    /// A page.
    Html,
    /// A problem (RFC 9457).
    Json,
    /// Plain text.
    Text,
}

const FORMATS: [(&str, Format); 4] =
    [("auto", Format::Auto), ("html", Format::Html), ("json", Format::Json), ("text", Format::Text)];

impl Format {
    /// Reads a format's name.
    pub fn read(name: &str, path: &KeyPath<'_>) -> Result<Format, PathError> {
        FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format).ok_or_else(|| {
            let near = fields::did_you_mean(name, FORMATS.iter().map(|(known, _)| *known));
            let near = if near.is_empty() { "; formats are auto, html, json and text".to_owned() } else { near };
            PathError::new(path, format_args!("\"{name}\" is no format{near}"))
        })
    }
}

/// Formats by path, the first match.
#[derive(Clone, Debug)]
pub struct FormatsByPath(Vec<(TextMatcher, Format)>);

impl FormatsByPath {
    /// Compiles `formats`.
    pub fn compile(configs: &[FormatConfig], path: &KeyPath<'_>) -> Result<FormatsByPath, PathError> {
        let compile = |(index, config): (usize, &FormatConfig)| {
            let FormatConfig { paths, format } = config;
            let path = path.index(index);
            let paths = compile_paths(paths, &path.key("paths"))?;
            Ok((paths, Format::read(format, &path.key("format"))?))
        };
        configs.iter().enumerate().map(compile).collect::<Result<_, _>>().map(FormatsByPath)
    }

    /// The format for a path, if one is set. Any interpretation of an ambiguous path will do: nothing opens by it.
    pub fn of(&self, request: &Request<'_>) -> Option<Format> {
        let requested = request.path.paths();
        let matches = |paths: &TextMatcher| {
            requested.iter().any(|path| paths.is_match(path.as_bytes(), Unknown::Fails, &request.budget))
        };
        self.0.iter().find(|(paths, _)| matches(paths)).map(|(_, format)| *format)
    }
}

/// The form of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// A page.
    Html,
    /// A problem (RFC 9457).
    Json,
    /// Plain text.
    Text,
    /// HeaderMap alone.
    Bare,
    /// The way to another page.
    Redirect,
    /// The answer to a CORS preflight, which lets the page see the refusal of the request proper.
    Preflight,
    /// What Envoy itself turns into gRPC's trailers-only response.
    Grpc,
    /// gRPC whose content type Envoy does not take for it.
    GrpcPlain,
    /// gRPC-Web, as it is.
    GrpcWeb,
    /// gRPC-Web in base64.
    GrpcWebText,
    /// The Connect protocol's error.
    Connect,
}

impl ReplyKind {
    /// The form that the client's protocol prescribes, if it speaks one that knows no pages.
    pub fn of_protocol(headers: &HeaderMap) -> Option<ReplyKind> {
        let kind = headers.first("content-type").unwrap_or_default();
        let begins =
            |start: &str| kind.get(..start.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(start.as_bytes()));
        if kind == b"application/grpc" || kind.starts_with(b"application/grpc+") {
            Some(ReplyKind::Grpc)
        } else if begins("application/grpc-web-text") {
            Some(ReplyKind::GrpcWebText)
        } else if begins("application/grpc-web") {
            Some(ReplyKind::GrpcWeb)
        } else if begins("application/grpc") {
            Some(ReplyKind::GrpcPlain)
        } else if begins("application/connect+") || headers.first("connect-protocol-version").is_some() {
            Some(ReplyKind::Connect)
        } else {
            None
        }
    }

    /// Whether it is one of gRPC's.
    pub fn is_grpc(self) -> bool {
        matches!(self, ReplyKind::Grpc | ReplyKind::GrpcPlain | ReplyKind::GrpcWeb | ReplyKind::GrpcWebText)
    }

    /// The form that the client asks for.
    pub fn wished(headers: &HeaderMap) -> ReplyKind {
        const NO_PAGE: [&[u8]; 12] = [
            b"audio",
            b"audioworklet",
            b"font",
            b"image",
            b"paintworklet",
            b"script",
            b"serviceworker",
            b"sharedworker",
            b"style",
            b"track",
            b"video",
            b"worker",
        ];
        // Fetch metadata, section 2.1: scripts and style sheets say `*/*` in `accept`, and this in truth.
        if headers.first("sec-fetch-dest").is_some_and(|destination| NO_PAGE.contains(&destination)) {
            return ReplyKind::Bare;
        }
        match AcceptPreference::read(headers.all("accept")) {
            AcceptPreference::Html => ReplyKind::Html,
            AcceptPreference::Text => ReplyKind::Text,
            AcceptPreference::Media => ReplyKind::Bare,
            AcceptPreference::Other => ReplyKind::Json,
        }
    }
}
