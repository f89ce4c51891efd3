//! What a refused client gets: a verdict becomes a local reply, Envoy's word for a response that a filter makes itself.
//! Decides on form, headers and body; sends nothing, and knows no rules.

use std::rc::Rc;

use crate::matching::{HostPattern, RedirectTarget};
use crate::request::Request;
use crate::state::{EffectiveState, Mode};
use crate::time::Time;
use crate::tree::{PathError, Tree};
use crate::verdict::Refusal;

mod accept;
mod cors;
mod escape;
mod form;
mod headers;
mod html_context;
mod overrides;
mod page;
mod prepare;
mod prepared;
mod problem;
mod template;
#[cfg(test)]
mod tests;
mod variables;

pub use headers::ReplyHeaders;
pub use overrides::ReplyOverrides;

use cors::Origins;
use form::{Format, FormatsByPath, ReplyKind};
use prepared::Cache;
use template::Template;
use variables::RefusalFacts;

/// gRPC's UNAVAILABLE.
const GRPC_UNAVAILABLE: u32 = 14;
/// Where neither the policy nor the state says when to come back.
const DEFAULT_RETRY_AFTER: u64 = 300;

/// A response to be sent by Envoy.
#[derive(Clone, Debug)]
pub struct LocalReply {
    /// The HTTP status. With `grpc_status` Envoy makes it 200.
    pub status: u32,
    /// The headers.
    pub headers: ReplyHeaders,
    /// The body, also for HEAD: Envoy counts it and leaves it out. With `grpc_status`, Envoy's `grpc-message`.
    pub body: Rc<Vec<u8>>,
    /// The gRPC status, for clients that Envoy itself takes for gRPC's.
    pub grpc_status: Option<u32>,
    /// Response code details, for the access log.
    pub details: &'static str,
}

impl LocalReply {
    /// A reply with just these headers.
    pub fn new(status: u32, headers: ReplyHeaders, body: Vec<u8>, details: &'static str) -> LocalReply {
        LocalReply { status, headers, body: Rc::new(body), grpc_status: None, details }
    }
}

/// The answer to a health check while the application is closed.
pub fn health_check() -> LocalReply {
    let headers = [("content-type", "text/plain"), ("cache-control", "no-store")];
    LocalReply::new(200, headers.into_iter().collect(), b"ok".to_vec(), "maintenance_health_check")
}

/// A plain refusal, for the case that a site has no reply of its own. Fails closed.
pub fn unavailable() -> LocalReply {
    let headers = [("cache-control", "no-store, max-age=0"), ("x-envoy-ratelimited", "true")];
    LocalReply::new(503, headers.into_iter().collect(), Vec::new(), "maintenance_offline")
}

/// The reply to a request that could not be read, while any request may have to be refused.
pub fn unreadable() -> LocalReply {
    let headers = [("content-type", "text/plain"), ("cache-control", "no-store")];
    let body = b"the request could not be read".to_vec();
    LocalReply::new(503, headers.into_iter().collect(), body, "maintenance_unreadable")
}

/// How a site refuses: the policy's reply, overridden field by field by the site's own.
#[derive(Clone, Debug)]
pub struct Reply {
    site: String,
    hosts: Vec<HostPattern>,
    status: u32,
    format: Format,
    formats: Option<FormatsByPath>,
    /// Seconds.
    retry_after: Option<u64>,
    /// Seconds.
    retry_jitter: u64,
    redirect: Option<RedirectTarget>,
    html: Template,
    /// Whether `html` is the built-in page, which brings its own content security policy.
    html_is_built_in: bool,
    text: Template,
    json: Vec<(String, Tree)>,
    headers: Vec<(String, String)>,
    clear_cookies: Vec<String>,
    origins: Option<Origins>,
    cache: Cache,
}

impl Reply {
    /// Lays a site's own part over the policy's. A variable that neither context knows is refused, under the key path of
    /// the template that names it.
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
            status: own.status.or(wide.status).unwrap_or(503),
            format: own.format.or(wide.format).unwrap_or_default(),
            formats: own.formats.as_ref().or(wide.formats.as_ref()).cloned(),
            retry_after: own.retry_after.or(wide.retry_after).unwrap_or(Some(DEFAULT_RETRY_AFTER)),
            retry_jitter: own.retry_jitter.or(wide.retry_jitter).unwrap_or(0),
            redirect: own.redirect.as_ref().or(wide.redirect.as_ref()).cloned(),
            html_is_built_in: html.is_none(),
            html: html.map_or_else(page::html, |html| html.compile(Some(context)))?,
            text: text.map_or_else(page::text, |text| text.compile(Some(context)))?,
            json: own.json.as_ref().or(wide.json.as_ref()).cloned().unwrap_or_default(),
            headers: own.headers.as_ref().or(wide.headers.as_ref()).cloned().unwrap_or_default(),
            clear_cookies: own.clear_cookies.as_ref().or(wide.clear_cookies.as_ref()).cloned().unwrap_or_default(),
            origins: own.origins.as_ref().or(wide.origins.as_ref()).cloned(),
            cache: Cache::default(),
        })
    }

    /// The reply to a refused request. `random` spreads `retry-after` by the policy's jitter.
    pub fn answer(
        &self,
        refusal: Refusal<'_>,
        situation: &EffectiveState,
        request: &Request<'_>,
        now: Time,
        random: u32,
    ) -> LocalReply {
        let ahead = [situation.until(), situation.eta()].into_iter().flatten().find(|time| *time > now);
        let retry_after = ahead
            .map(|time| now.seconds_until(time).max(1))
            .or(self.retry_after)
            .map(|seconds| seconds.saturating_add(u64::from(random) % self.retry_jitter.saturating_add(1)));
        let facts = RefusalFacts::new(refusal, situation, now, retry_after.is_some());
        let origin = cors::allowed(self.origins.as_ref(), &self.hosts, request);
        let form = match origin {
            Some(_) if cors::is_preflight(request) => ReplyKind::Preflight,
            _ => self.form(request),
        };
        let prepared = self.cache.get(form, &facts, || self.prepare(form, &facts));

        // `retry-after`; more than it only for gRPC and for scripts of other origins.
        let mut headers = prepared.headers.with_room(1, 32);
        if let Some(seconds) = retry_after {
            headers.push("retry-after", &seconds.to_string());
            if form.is_grpc() {
                headers.push("grpc-retry-pushback-ms", &seconds.saturating_mul(1000).to_string());
            }
        }
        if let Some(origin) = origin {
            cors::add_headers(origin, form, request, &mut headers);
        }
        LocalReply {
            status: prepared.status,
            headers,
            body: prepared.body.fill(retry_after, request.path.shown()),
            grpc_status: (form == ReplyKind::Grpc).then_some(GRPC_UNAVAILABLE),
            details: details(refusal),
        }
    }

    /// A client whose protocol knows no pages gets none, whatever the policy's format.
    fn form(&self, request: &Request<'_>) -> ReplyKind {
        if let Some(form) = ReplyKind::of_protocol(request.headers) {
            return form;
        }
        let wished = ReplyKind::wished(request.headers);
        // A refused request for the target itself gets the page, or the browser would go round in circles.
        let leads_away = self.redirect.as_ref().is_some_and(|target| !target.is_of(request));
        if leads_away && wished == ReplyKind::Html && matches!(request.method, b"GET" | b"HEAD") {
            return ReplyKind::Redirect;
        }
        match self.formats.as_ref().and_then(|formats| formats.of(request)).unwrap_or(self.format) {
            Format::Auto => wished,
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
