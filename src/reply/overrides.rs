//! One `reply` object of a policy, checked and compiled by itself, before a site's is laid over the policy's.

use std::borrow::Cow;
use std::rc::Rc;

use super::cors::Origins;
use super::form::{Format, FormatsByPath};
use super::problem;
use super::template::{Language, Names, Template};
use super::variables::Variable;
use crate::config::ReplyConfig;
use crate::matching::RedirectTarget;
use crate::request::is_token_byte;
use crate::time::parse_duration;
use crate::tree::{KeyPath, PathError, Tree};

/// One `reply` object. None: not set here.
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
    pub(super) clear_cookies: Option<Vec<String>>,
    pub(super) context: Option<Vec<(String, String)>>,
    pub(super) origins: Option<Origins>,
    pub(super) formats: Option<FormatsByPath>,
}

/// A template as written, and its key path. What its names mean is known only with the context, which may stand in
/// another `reply`.
#[derive(Clone, Debug)]
pub(super) struct TemplateSource {
    pub(super) source: Rc<Cow<'static, str>>,
    path: String,
    language: Language,
}

impl TemplateSource {
    fn read(text: &str, language: Language, path: &KeyPath<'_>) -> Result<TemplateSource, PathError> {
        let source: Rc<Cow<'static, str>> = Rc::new(Cow::Owned(text.to_owned()));
        let written = TemplateSource { source, path: path.to_string(), language };
        written.compile(None).map(|_| written)
    }

    /// Compiles the template with what its names mean.
    pub(super) fn compile(&self, context: Option<&[(String, String)]>) -> Result<Template, PathError> {
        let names = Names { context, built_in: false };
        Template::compile(self.source.clone(), self.language, names)
            .map_err(|problem| PathError { path: self.path.clone(), problem })
    }
}

impl ReplyOverrides {
    /// Checks and compiles `config`, which stands at `path`. Unknown variables are found when parts are merged.
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
            status: read(status, &path.key("status"), |status, path| status_code(*status, path))?,
            format: read(format, &path.key("format"), |name, path| Format::read(name, path))?,
            retry_after: match retry_after {
                None => None,
                Some(None) => Some(None),
                Some(Some(text)) => Some(Some(duration(text, &path.key("retry_after"))?.max(1))),
            },
            retry_jitter: read(retry_jitter, &path.key("retry_jitter"), |text, path| duration(text, path))?,
            redirect: read(redirect, &path.key("redirect"), |url, path| RedirectTarget::compile(url, path))?,
            html: read(html, &path.key("html"), |text, path| TemplateSource::read(text, Language::Html, path))?,
            text: read(text, &path.key("text"), |text, path| TemplateSource::read(text, Language::Text, path))?,
            json: read(json, &path.key("json"), |members, path| problem_members(members, path))?,
            headers: read(headers, &path.key("headers"), |headers, path| header_map(headers, path))?,
            clear_cookies: read(clear_cookies, &path.key("clear_cookies"), |names, path| cookie_names(names, path))?,
            context: read(context, &path.key("context"), |context, path| context_texts(context, path))?,
            origins: read(cors_origins, &path.key("cors").key("origins"), |texts, path| Origins::compile(texts, path))?,
            formats: read(formats, &path.key("formats"), |formats, path| FormatsByPath::compile(formats, path))?,
        })
    }

    /// Refuses unknown variables in a template that no site uses, as only those that are used are merged.
    pub fn check_unused(&self, html: bool, text: bool) -> Result<(), PathError> {
        let context = self.context.as_deref().unwrap_or_default();
        let unused = [self.html.as_ref().filter(|_| html), self.text.as_ref().filter(|_| text)];
        unused.into_iter().flatten().try_for_each(|written| written.compile(Some(context)).map(drop))
    }
}

fn read<C, T>(
    config: &Option<C>,
    path: &KeyPath<'_>,
    reader: impl FnOnce(&C, &KeyPath<'_>) -> Result<T, PathError>,
) -> Result<Option<T>, PathError> {
    config.as_ref().map(|config| reader(config, path)).transpose()
}

fn status_code(status: i64, path: &KeyPath<'_>) -> Result<u32, PathError> {
    u32::try_from(status)
        .ok()
        .filter(|status| (400..=599).contains(status))
        .ok_or_else(|| PathError::new(path, format_args!("{status} is not a status from 400 to 599")))
}

/// A duration in whole seconds, rounded up, as HTTP knows no smaller ones.
fn duration(text: &str, path: &KeyPath<'_>) -> Result<u64, PathError> {
    parse_duration(text)
        .map(|milliseconds| milliseconds.div_ceil(1000))
        .ok_or_else(|| PathError::new(path, format_args!("\"{text}\" is not a duration such as 90s or 5m")))
}

fn problem_members(members: &[(String, Tree)], path: &KeyPath<'_>) -> Result<Vec<(String, Tree)>, PathError> {
    match members.iter().find(|(name, _)| problem::MEMBERS.contains(&name.as_str())) {
        Some((name, _)) => Err(PathError::new(&path.key(name), "this member says what holds, and can't be set")),
        None => Ok(members.to_vec()),
    }
}

/// What the filter or Envoy sets itself: what keeps a refusal a refusal, out of caches and search engines.
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

fn header_map(headers: &[(String, String)], path: &KeyPath<'_>) -> Result<Vec<(String, String)>, PathError> {
    let mut read: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let path = path.key(name);
        let refuse = |problem: &str| Err(PathError::new(&path, problem));
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return refuse("not the name of a header");
        }
        // Targeted cache control (RFC 9213) would let a content delivery network keep what `cache-control` forbids.
        let is_reserved = RESERVED.contains(&lower.as_str())
            || lower.starts_with("access-control-")
            || lower.starts_with("grpc-")
            || lower.ends_with("-cache-control");
        if is_reserved {
            return refuse("this header is set by the filter or by Envoy itself");
        }
        if value.chars().any(|c| c.is_control() && c != '\t') || value.trim() != value {
            return refuse("the value holds control characters, or begins or ends with a space");
        }
        if read.iter().any(|(known, _)| *known == lower) {
            return refuse("stands twice, as the case of a name does not matter");
        }
        read.push((lower, value.clone()));
    }
    Ok(read)
}

fn cookie_names(names: &[String], path: &KeyPath<'_>) -> Result<Vec<String>, PathError> {
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            let problem = format_args!("{name:?} is not the name of a cookie");
            return Err(PathError::new(&path.index(index), problem));
        }
    }
    Ok(names.to_vec())
}

fn context_texts(context: &[(String, String)], path: &KeyPath<'_>) -> Result<Vec<(String, String)>, PathError> {
    for (name, _) in context {
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        if !is_name {
            return Err(PathError::new(&path.key(name), "not a name of letters, digits, \"_\", \"-\" and \".\""));
        }
        if Variable::named(name, false).is_some() {
            return Err(PathError::new(&path.key(name), "this variable says what holds, and can't be set"));
        }
    }
    Ok(context.to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::PluginConfig;

    fn compile(config: Value) -> Result<ReplyOverrides, PathError> {
        let tree = Tree::from_json(json!({ "reply": config }).to_string().as_bytes())?;
        ReplyOverrides::compile(&PluginConfig::read(&tree)?.reply, &KeyPath::Root.key("reply"))
    }

    #[test]
    fn a_bad_reply_is_refused_with_its_key_path_and_value() {
        for (config, message) in [
            (json!({ "status": 200 }), "reply.status: 200 is not a status from 400 to 599"),
            (json!({ "status": -503 }), "reply.status: -503 is not a status from 400 to 599"),
            (json!({ "status": 503.5 }), "reply.status: 503.5 is not a whole number below 2^53"),
            (json!({ "format": "htlm" }), "reply.format: \"htlm\" is no format; did you mean \"html\"?"),
            (
                json!({ "format": "xylophone" }),
                "reply.format: \"xylophone\" is no format; formats are auto, html, json and text",
            ),
            (json!({ "retry_after": "90" }), "reply.retry_after: \"90\" is not a duration such as 90s or 5m"),
            (json!({ "retry_after": 90 }), "reply.retry_after: 90 is a number, not a text"),
            (json!({ "retry_jitter": "soon" }), "reply.retry_jitter: \"soon\" is not a duration such as 90s or 5m"),
            (
                json!({ "redirect": "sorry" }),
                "reply.redirect: \"sorry\" is neither an http or https URL nor an absolute path",
            ),
            (json!({ "html": "<p>{{reason" }), "reply.html: \"{{reason\" is not closed by \"}}\""),
            (json!({ "html": "{{#eta}}" }), "reply.html: the section \"{{#eta}}\" is not closed"),
            (json!({ "html": "{{/eta}}" }), "reply.html: \"{{/eta}}\" closes nothing"),
            (
                json!({ "text": "{{#eta}}{{#until}}{{/eta}}{{/until}}" }),
                "reply.text: \"{{/eta}}\" stands where \"{{/until}}\" should",
            ),
            (
                json!({ "html": "<p {{#eta}}title=\"{{/eta}}\">" }),
                "reply.html: the section \"{{#eta}}\" ends in another place of the page than it begins in",
            ),
            (
                json!({ "html": "<style>{{mode}}</style>" }),
                "reply.html: \"{{mode}}\" stands in a style sheet, where it can't be made safe",
            ),
            (
                json!({ "html": "<p>{{mode}}</p><script>" }),
                "reply.html: ends inside a tag, a comment, a script or a style sheet",
            ),
            (json!({ "json": { "status": 1 } }), "reply.json.status: this member says what holds, and can't be set"),
            (json!({ "headers": { "x y": "1" } }), "reply.headers.x y: not the name of a header"),
            (json!({ "headers": { ":status": "200" } }), "reply.headers.:status: not the name of a header"),
            (json!({ "headers": { "": "1" } }), "reply.headers.: not the name of a header"),
            (
                json!({ "headers": { "Cache-Control": "public" } }),
                "reply.headers.Cache-Control: this header is set by the filter or by Envoy itself",
            ),
            (
                json!({ "headers": { "content-encoding": "gzip" } }),
                "reply.headers.content-encoding: this header is set by the filter or by Envoy itself",
            ),
            (
                json!({ "headers": { "cdn-cache-control": "public" } }),
                "reply.headers.cdn-cache-control: this header is set by the filter or by Envoy itself",
            ),
            (
                json!({ "headers": { "x-a": "b\r\nx-c: d" } }),
                "reply.headers.x-a: the value holds control characters, or begins or ends with a space",
            ),
            (
                json!({ "headers": { "x-a": "1", "X-A": "2" } }),
                "reply.headers.x-a: stands twice, as the case of a name does not matter",
            ),
            (json!({ "clear_cookies": ["a", "b;c"] }), "reply.clear_cookies[1]: \"b;c\" is not the name of a cookie"),
            (json!({ "clear_cookies": [""] }), "reply.clear_cookies[0]: \"\" is not the name of a cookie"),
            (
                json!({ "context": { "eta": "soon" } }),
                "reply.context.eta: this variable says what holds, and can't be set",
            ),
            (
                json!({ "context": { "a b": "" } }),
                "reply.context.a b: not a name of letters, digits, \"_\", \"-\" and \".\"",
            ),
            (json!({ "cors": { "origins": [] } }), "reply.cors.origins: an empty list matches nothing"),
            (
                json!({ "cors": { "origins": ["*", "https://shop.example.com/"] } }),
                "reply.cors.origins[1]: \"https://shop.example.com/\" is not an origin as browsers send it, such as \
                 https://shop.example.com",
            ),
            (
                json!({ "cors": { "origins": ["https://shop.example.com:443"] } }),
                "reply.cors.origins[0]: \"https://shop.example.com:443\" is not an origin as browsers send it, such as \
                 https://shop.example.com",
            ),
            (
                json!({ "cors": { "origins": [{ "absent": true }] } }),
                "reply.cors.origins[0]: a request without an origin needs no answer",
            ),
            (
                json!({ "formats": [{ "paths": ["api"], "format": "json" }] }),
                "reply.formats[0].paths[0]: \"api\" starts with neither '/' nor '*'",
            ),
            (
                json!({ "formats": [{ "paths": ["/api/*"], "format": "xml" }] }),
                "reply.formats[0].format: \"xml\" is no format; did you mean \"html\"?",
            ),
            (json!({ "sttaus": 503 }), "reply.sttaus: unknown field; did you mean \"status\"?"),
        ] {
            assert_eq!(
                compile(config.clone()).err().map(|error| error.to_string()).as_deref(),
                Some(message),
                "{config}"
            );
        }
    }
}
