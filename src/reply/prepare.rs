//! Prepares replies: everything in a reply that does not change with each request or second.

use ct_codecs::{Base64, Encoder};

use super::kind::ReplyKind;
use super::prepared::{BodyWriter, Placeholder, PreparedReply};
use super::template::{Piece, Template};
use super::variables::{RefusalFacts, Variable};
use super::{Reply, ReplyHeaders, grpc, page, problem};

impl Reply {
    pub(super) fn prepare(&self, kind: ReplyKind, facts: &RefusalFacts<'_>) -> PreparedReply {
        let mut headers: ReplyHeaders = [
            ("x-maintenance-mode", facts.mode.name()),
            ("cache-control", "no-store, max-age=0"),
            ("x-robots-tag", "noindex"),
            ("vary", "accept, origin"),
            ("x-envoy-ratelimited", "true"),
        ]
        .into_iter()
        .collect();
        self.add_kind_headers(kind, facts, &mut headers);
        self.headers.iter().for_each(|(name, value)| headers.push(name, value));
        // The site may be open to other requests, so their sessions stay.
        for cookie in self.clear_cookies.iter().filter(|cookie| cookie.is_unconditional() && !facts.by_rule) {
            headers.push("set-cookie", &cookie.header);
        }
        PreparedReply { status: self.status(kind), headers, body: self.body(kind, facts).finish() }
    }

    fn status(&self, kind: ReplyKind) -> u32 {
        match kind {
            ReplyKind::Html | ReplyKind::Text | ReplyKind::Json | ReplyKind::Bare | ReplyKind::Grpc => self.status,
            ReplyKind::Redirect => 302,
            ReplyKind::Preflight => 204,
            ReplyKind::GrpcWeb | ReplyKind::GrpcWebText => 200,
            ReplyKind::GrpcPlain | ReplyKind::Connect => 503,
        }
    }

    /// Adds the headers that only some kinds of replies have. Those of the operator win: the policy refuses the names of
    /// all others.
    fn add_kind_headers(&self, kind: ReplyKind, facts: &RefusalFacts<'_>, headers: &mut ReplyHeaders) {
        let is_own = |name: &str| self.headers.iter().any(|(own, _)| own == name);
        let mut add = |name: &str, value: &str| {
            if !is_own(name) {
                headers.push(name, value);
            }
        };
        if let Some(content_type) = kind.content_type() {
            add("content-type", content_type);
        }
        if matches!(kind, ReplyKind::Html | ReplyKind::Text) {
            add("x-content-type-options", "nosniff");
        }
        if kind == ReplyKind::Html && self.is_built_in_page {
            add("content-security-policy", page::SECURITY_POLICY);
        }
        if kind == ReplyKind::GrpcPlain {
            add("grpc-status", "14");
            add("grpc-message", &grpc::encoded_message(&self.site, facts));
        }
        if let (ReplyKind::Redirect, Some(target)) = (kind, &self.redirect) {
            add("location", &target.url);
        }
    }

    fn body(&self, kind: ReplyKind, facts: &RefusalFacts<'_>) -> BodyWriter {
        let mut body = BodyWriter::default();
        match kind {
            ReplyKind::Html => self.render(&self.html, facts, &mut body),
            ReplyKind::Text => self.render(&self.text, facts, &mut body),
            ReplyKind::Json => problem::write(facts, &self.site, self.status, &self.json, &mut body),
            ReplyKind::Bare | ReplyKind::Redirect | ReplyKind::Preflight | ReplyKind::GrpcPlain => {}
            ReplyKind::Grpc => body.text(&grpc::message(&self.site, facts)),
            ReplyKind::GrpcWeb => body.bytes(&grpc::trailers(&self.site, facts)),
            ReplyKind::GrpcWebText => {
                body.text(&Base64::encode_to_string(grpc::trailers(&self.site, facts)).unwrap_or_default());
            }
            ReplyKind::Connect => {
                let message = crate::tree::quoted(&grpc::message(&self.site, facts));
                body.text(&format!("{{\"code\":\"unavailable\",\"message\":{message}}}"));
            }
        }
        body
    }

    fn render(&self, template: &Template, facts: &RefusalFacts<'_>, out: &mut BodyWriter) {
        template.render(
            |variable| facts.has_value(variable, &self.site),
            |piece| match piece {
                Piece::Literal(text) => out.text(text),
                Piece::Value(Variable::Path) => out.placeholder(Placeholder::Path(template.escape)),
                Piece::Value(Variable::RetryAfter) if facts.has_retry_after => {
                    out.placeholder(Placeholder::RetryAfter);
                }
                Piece::Value(variable) => {
                    if let Some(value) = facts.value(variable, &self.site) {
                        out.value(&value, template.escape);
                    }
                }
            },
        );
    }
}
