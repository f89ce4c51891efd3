//! Replies: turns a refusal into a local reply (Envoy's term for a response that a filter generates itself).
//!
//! A [`Reply`] knows the format, the headers and the body that the policy configures for one site. [`Reply::answer`]
//! chooses the kind of the reply for the client (a page, problem details, gRPC, …) and fills it in. It sends nothing, and
//! it knows no rules.

use std::rc::Rc;

use crate::matching::{HostPattern, RedirectTarget};
use crate::request::Request;
use crate::state::{EffectiveState, Mode};
use crate::time::Time;
use crate::tree::{PathError, Tree};
use crate::verdict::Refusal;

mod accept;
mod cookies;
mod cors;
mod escape;
mod format;
mod grpc;
mod headers;
mod html_context;
mod kind;
mod overrides;
mod page;
mod partial;
mod prepare;
mod prepared;
mod problem;
mod template;
#[cfg(test)]
mod tests;
mod variables;

pub use headers::ReplyHeaders;
pub use overrides::ReplyOverrides;

use cookies::ClearedCookie;
use cors::Origins;
use format::{Format, FormatsByPath};
use kind::ReplyKind;
use prepared::Cache;
use template::Template;
use variables::RefusalFacts;

/// The default of `status`.
const DEFAULT_STATUS: u32 = 503;
/// The default of `retry_after`, in seconds.
const DEFAULT_RETRY_AFTER: u64 = 300;

/// A response for Envoy to send.
#[derive(Clone, Debug)]
pub struct LocalReply {
    /// The HTTP status. With `grpc_status`, Envoy sends 200 instead.
    pub status: u32,
    /// The headers.
    pub headers: ReplyHeaders,
    /// The body. For HEAD, Envoy sends its length only. With `grpc_status`, Envoy sends it as `grpc-message`.
    pub body: Rc<Vec<u8>>,
    /// The gRPC status, for a request that Envoy recognizes as gRPC.
    pub grpc_status: Option<u32>,
    /// Envoy's response code details, for the access log.
    pub details: &'static str,
}

impl LocalReply {
    /// A reply without a gRPC status.
    pub fn new(status: u32, headers: ReplyHeaders, body: Vec<u8>, details: &'static str) -> LocalReply {
        LocalReply { status, headers, body: Rc::new(body), grpc_status: None, details }
    }
}

/// The answer to a health check of a site that is not online: 200 `ok`.
pub fn health_check() -> LocalReply {
    let headers = [("content-type", "text/plain"), ("cache-control", "no-store")];
    LocalReply::new(200, headers.into_iter().collect(), b"ok".to_vec(), "maintenance_health_check")
}

/// The refusal of a request that could not be read because a hostcall failed.
pub fn unreadable() -> LocalReply {
    let headers = [("content-type", "text/plain"), ("cache-control", "no-store")];
    let body = b"the request could not be read".to_vec();
    LocalReply::new(DEFAULT_STATUS, headers.into_iter().collect(), body, "maintenance_unreadable")
}

/// The reply of a site: the policy-wide `reply`, overridden field by field by the site's own.
#[derive(Clone, Debug)]
pub struct Reply {
    site: String,
    hosts: Vec<HostPattern>,
    status: u32,
    format: Format,
    formats: Option<FormatsByPath>,
    /// Seconds; none: no header.
    retry_after: Option<u64>,
    /// Seconds.
    retry_jitter: u64,
    redirect: Option<RedirectTarget>,
    html: Template,
    is_built_in_page: bool,
    text: Template,
    json: Vec<(String, Tree)>,
    headers: Vec<(String, String)>,
    clear_cookies: Vec<ClearedCookie>,
    origins: Option<Origins>,
    cache: Cache,
}

impl Reply {
    /// Merges the policy-wide `reply` (`wide`) with that of a site (`own`). An unknown variable is an error at the key path
    /// of its template.
    pub fn merge(
        wide: &ReplyOverrides,
        own: &ReplyOverrides,
        site: &str,
        hosts: &[HostPattern],
    ) -> Result<Reply, PathError> {
        let context = own.context.as_ref().or(wide.context.as_ref()).map_or(&[][..], Vec::as_slice);
        let html = own.html.as_ref().or(wide.html.as_ref());
        let text = own.text.as_ref().or(wide.text.as_ref());
        Ok(Reply {
            site: site.to_owned(),
            hosts: hosts.to_vec(),
            status: own.status.or(wide.status).unwrap_or(DEFAULT_STATUS),
            format: own.format.or(wide.format).unwrap_or_default(),
            formats: own.formats.as_ref().or(wide.formats.as_ref()).cloned(),
            retry_after: own.retry_after.or(wide.retry_after).unwrap_or(Some(DEFAULT_RETRY_AFTER)),
            retry_jitter: own.retry_jitter.or(wide.retry_jitter).unwrap_or(0),
            redirect: own.redirect.as_ref().or(wide.redirect.as_ref()).cloned(),
            is_built_in_page: html.is_none(),
            html: html.map_or_else(|| page::html(context), |html| html.compile(Some(context)))?,
            text: text.map_or_else(|| page::text(context), |text| text.compile(Some(context)))?,
            json: own.json.as_ref().or(wide.json.as_ref()).cloned().unwrap_or_default(),
            headers: own.headers.as_ref().or(wide.headers.as_ref()).cloned().unwrap_or_default(),
            clear_cookies: own.clear_cookies.as_ref().or(wide.clear_cookies.as_ref()).cloned().unwrap_or_default(),
            origins: own.origins.as_ref().or(wide.origins.as_ref()).cloned(),
            cache: Cache::default(),
        })
    }

    /// The reply to a refused request. `random` determines the addition of `retry_jitter` to `retry-after`.
    pub fn answer(
        &self,
        refusal: Refusal<'_>,
        state: &EffectiveState,
        request: &Request<'_>,
        now: Time,
        random: u32,
    ) -> LocalReply {
        let expected_end = [state.until(), state.eta()].into_iter().flatten().find(|time| *time > now);
        let retry_after = expected_end
            .map(|time| now.seconds_until(time).max(1))
            .or(self.retry_after)
            .map(|seconds| seconds.saturating_add(u64::from(random) % self.retry_jitter.saturating_add(1)));
        let facts = RefusalFacts::new(refusal, state, now, retry_after.is_some());
        let origin = cors::allowed(self.origins.as_ref(), &self.hosts, request);
        let kind = match origin {
            Some(_) if cors::is_preflight(request) => ReplyKind::Preflight,
            _ => self.kind(request),
        };
        let prepared = self.cache.get(kind, &facts, || self.prepare(kind, &facts));

        // Most replies get no further header than `retry-after`.
        let mut headers = prepared.headers.with_room(1, 32);
        if let Some(seconds) = retry_after {
            headers.push("retry-after", &seconds.to_string());
            if kind.is_grpc() {
                headers.push("grpc-retry-pushback-ms", &seconds.saturating_mul(1000).to_string());
            }
        }
        for cookie in self.clear_cookies.iter().filter(|cookie| !facts.by_rule && cookie.is_met(request, facts.mode)) {
            headers.push("set-cookie", &cookie.header);
        }
        if let Some(origin) = origin {
            cors::add_headers(origin, kind, request, &mut headers);
        }
        LocalReply {
            status: prepared.status,
            headers,
            body: prepared.body.fill(retry_after, request.path.shown()),
            grpc_status: (kind == ReplyKind::Grpc).then_some(grpc::UNAVAILABLE),
            details: details(refusal),
        }
    }

    /// The kind of the reply: that of the client's protocol, else a redirect for browsers, else that of the policy's
    /// format.
    fn kind(&self, request: &Request<'_>) -> ReplyKind {
        if let Some(kind) = ReplyKind::of_protocol(request.headers) {
            return kind;
        }
        let negotiated = ReplyKind::negotiate(request.headers);
        // A refused request for the target itself gets the page, because a redirect would loop.
        let is_redirected = self.redirect.as_ref().is_some_and(|target| !target.matches(request));
        if is_redirected && negotiated == ReplyKind::Html && matches!(request.method, b"GET" | b"HEAD") {
            return ReplyKind::Redirect;
        }
        match self.formats.as_ref().and_then(|formats| formats.find(request)).unwrap_or(self.format) {
            Format::Auto => negotiated,
            Format::Html => ReplyKind::Html,
            Format::Json => ReplyKind::Json,
            Format::Text => ReplyKind::Text,
        }
    }
}

fn details(refusal: Refusal<'_>) -> &'static str {
    match refusal {
        Refusal::AlwaysClosed(_) => "maintenance_always_closed",
        Refusal::Mode(Mode::ReadOnly) => "maintenance_read_only",
        Refusal::Mode(Mode::Online | Mode::Offline) => "maintenance_offline",
    }
}
