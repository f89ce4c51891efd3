//! One `reply` object of a policy: checked by itself, then merged with the policy-wide one.

use std::borrow::Cow;
use std::rc::Rc;

use super::cookies::ClearedCookie;
use super::cors::Origins;
use super::escape::Escape;
use super::format::{Format, FormatsByPath};
use super::problem;
use super::template::{Names, SharedSource, Template};
use super::variables::Variable;
use crate::config::ReplyConfig;
use crate::matching::RedirectTarget;
use crate::request::is_token_byte;
use crate::time::parse_duration;
use crate::tree::{KeyPath, PathError, Tree};

/// One `reply` object: the fields that it sets.
#[derive(Clone, Debug)]
pub struct ReplyOverrides {
    pub(super) status: Option<u32>,
    pub(super) format: Option<Format>,
    /// Seconds; `Some(None)`: no header.
    pub(super) retry_after: Option<Option<u64>>,
    /// Seconds.
    pub(super) retry_jitter: Option<u64>,
    pub(super) redirect: Option<RedirectTarget>,
    pub(super) html: Option<TemplateSource>,
    pub(super) text: Option<TemplateSource>,
    pub(super) json: Option<Vec<(String, Tree)>>,
    /// Names in lower case.
    pub(super) headers: Option<Vec<(String, String)>>,
    pub(super) clear_cookies: Option<Vec<ClearedCookie>>,
    pub(super) context: Option<Vec<(String, String)>>,
    pub(super) origins: Option<Origins>,
    pub(super) formats: Option<FormatsByPath>,
}

/// The source of a template, and its key path. Its names are resolved when it is merged with the `context`, which may be
/// in another `reply`.
#[derive(Clone, Debug)]
pub(super) struct TemplateSource {
    source: SharedSource,
    path: String,
    escape: Escape,
}

impl TemplateSource {
    /// Checks everything but the names.
    fn read(text: &str, escape: Escape, path: &KeyPath<'_>) -> Result<TemplateSource, PathError> {
        let source = TemplateSource { source: Rc::new(Cow::Owned(text.to_owned())), path: path.to_string(), escape };
        source.compile(None).map(|_| source)
    }

    /// Compiles the template; without a context, every name is accepted.
    pub(super) fn compile(&self, context: Option<&[(String, String)]>) -> Result<Template, PathError> {
        Template::compile(self.source.clone(), self.escape, Names { context, built_in: false })
            .map_err(|problem| PathError { path: self.path.clone(), problem })
    }
}

impl ReplyOverrides {
    /// Checks and compiles the `reply` at `path`.
    pub fn compile(config: &ReplyConfig, path: &KeyPath<'_>) -> Result<ReplyOverrides, PathError> {
        let ReplyConfig {
            status,
            format,
            retry_after,
            retry_jitter,
            redirect,
            html,
            text,
            json,
            headers,
            clear_cookies,
            context,
            cors_origins,
            formats,
        } = config;
        Ok(ReplyOverrides {
            status: read(status, path, "status", |status, path| status_code(*status, path))?,
            format: read(format, path, "format", |name, path| Format::read(name, path))?,
            retry_after: read(retry_after, path, "retry_after", |text, path| {
                let seconds = text.as_ref().map(|text| duration(text, path)).transpose()?;
                Ok(seconds.filter(|seconds| *seconds > 0))
            })?,
            retry_jitter: read(retry_jitter, path, "retry_jitter", |text, path| duration(text, path))?,
            redirect: read(redirect, path, "redirect", |url, path| RedirectTarget::compile(url, path))?,
            html: read(html, path, "html", |text, path| TemplateSource::read(text, Escape::Html, path))?,
            text: read(text, path, "text", |text, path| TemplateSource::read(text, Escape::Plain, path))?,
            json: read(json, path, "json", |members, path| problem_members(members, path))?,
            headers: read(headers, path, "headers", |headers, path| header_map(headers, path))?,
            clear_cookies: read(clear_cookies, path, "clear_cookies", |cookies, path| {
                ClearedCookie::compile(cookies, path)
            })?,
            context: read(context, path, "context", |context, path| context_texts(context, path))?,
            origins: read(cors_origins, &path.key("cors"), "origins", |texts, path| Origins::compile(texts, path))?,
            formats: read(formats, path, "formats", |formats, path| FormatsByPath::compile(formats, path))?,
        })
    }

    /// Checks the names in templates that every site overrides; all others are checked when they are merged.
    pub fn check_unused(&self, html: bool, text: bool) -> Result<(), PathError> {
        let context = self.context.as_deref().unwrap_or_default();
        let unused = [self.html.as_ref().filter(|_| html), self.text.as_ref().filter(|_| text)];
        unused.into_iter().flatten().try_for_each(|source| source.compile(Some(context)).map(drop))
    }
}

fn read<C, T>(
    config: &Option<C>,
    path: &KeyPath<'_>,
    key: &str,
    reader: impl FnOnce(&C, &KeyPath<'_>) -> Result<T, PathError>,
) -> Result<Option<T>, PathError> {
    config.as_ref().map(|config| reader(config, &path.key(key))).transpose()
}

fn status_code(status: i64, path: &KeyPath<'_>) -> Result<u32, PathError> {
    u32::try_from(status)
        .ok()
        .filter(|status| (400..=599).contains(status))
        .ok_or_else(|| PathError::new(path, format_args!("{status} is not a status from 400 to 599")))
}

/// A duration in whole seconds, rounded up: HTTP has no smaller unit.
fn duration(text: &str, path: &KeyPath<'_>) -> Result<u64, PathError> {
    parse_duration(text)
        .map(|milliseconds| milliseconds.div_ceil(1000))
        .ok_or_else(|| PathError::new(path, format_args!("\"{text}\" is not a duration such as 90s or 5m")))
}

fn problem_members(members: &[(String, Tree)], path: &KeyPath<'_>) -> Result<Vec<(String, Tree)>, PathError> {
    match members.iter().find(|(name, _)| problem::MEMBERS.contains(&name.as_str())) {
        Some((name, _)) => Err(PathError::new(&path.key(name), "the filter sets this member itself")),
        None => Ok(members.to_vec()),
    }
}

/// Headers that operators may not override: the filter or Envoy sets them, or they would let caches and search engines
/// keep a refusal.
const RESERVED: [&str; 23] = [
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expires",
    "host",
    "keep-alive",
    "location",
    "pragma",
    "proxy-connection",
    "retry-after",
    "surrogate-control",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "x-accel-expires",
    "x-envoy-ratelimited",
    "x-maintenance-mode",
    "x-robots-tag",
];

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
        || name.starts_with("access-control-")
        || name.starts_with("grpc-")
        // Targeted cache control (RFC 9213) would override `cache-control`.
        || name.ends_with("-cache-control")
}

fn header_map(headers: &[(String, String)], path: &KeyPath<'_>) -> Result<Vec<(String, String)>, PathError> {
    let mut read: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let problem = if name.is_empty() || !name.bytes().all(is_token_byte) {
            "not a header name"
        } else if is_reserved(&lower) {
            "the filter or Envoy sets this header itself"
        } else if value.chars().any(|c| c.is_control() && c != '\t') || value.trim() != value {
            "the value contains control characters, or begins or ends with a space"
        } else if read.iter().any(|(known, _)| *known == lower) {
            "duplicate header; names ignore case"
        } else {
            read.push((lower, value.clone()));
            continue;
        };
        return Err(PathError::new(&path.key(name), problem));
    }
    Ok(read)
}

fn context_texts(context: &[(String, String)], path: &KeyPath<'_>) -> Result<Vec<(String, String)>, PathError> {
    for (name, _) in context {
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            let problem = "not a name; names consist of letters, digits, \"_\", \"-\" and \".\"";
            return Err(PathError::new(&path.key(name), problem));
        }
        if Variable::named(name, false).is_some() {
            return Err(PathError::new(&path.key(name), "the filter sets this variable itself"));
        }
    }
    Ok(context.to_vec())
}

#[cfg(test)]
mod tests;
