//! Writes replies ahead, form by form: status, headers, and a body with holes.

use ct_codecs::{Base64, Encoder};

use super::form::ReplyKind;
use super::prepared::{BodyWriter, Placeholder, Prepared};
use super::template::{Piece, Template};
use super::variables::{RefusalFacts, Variable};
use super::{Reply, ReplyHeaders, page, problem};
use crate::state::Mode;

impl Reply {
    /// The reply of that form, but for what each request or second changes.
    pub(super) fn prepare(&self, form: ReplyKind, facts: &RefusalFacts<'_>) -> Prepared {
        let mut body = BodyWriter::default();
        let mut headers: ReplyHeaders = [
            ("x-maintenance-mode", facts.mode.name()),
            ("cache-control", "no-store, max-age=0"),
            ("x-robots-tag", "noindex"),
            ("vary", "accept, origin"),
            ("x-envoy-ratelimited", "true"),
        ]
        .into_iter()
        .collect();
        // What the operator says of the page stands: a policy may name none of the others.
        let is_own = |name: &str| self.headers.iter().any(|(own, _)| own == name);
        let mut add = |name: &str, value: &str| {
            if !is_own(name) {
                headers.push(name, value);
            }
        };
        let mut status = self.status;
        match form {
            ReplyKind::Html => {
                add("content-type", "text/html; charset=utf-8");
                add("x-content-type-options", "nosniff");
                if self.html_is_built_in {
                    add("content-security-policy", page::SECURITY_POLICY);
                }
                self.write(&self.html, facts, &mut body);
            }
            ReplyKind::Text => {
                add("content-type", "text/plain; charset=utf-8");
                add("x-content-type-options", "nosniff");
                self.write(&self.text, facts, &mut body);
            }
            ReplyKind::Json => {
                add("content-type", "application/problem+json");
                problem::write(facts, &self.site, status, &self.json, &mut body);
            }
            ReplyKind::Bare => {}
            ReplyKind::Redirect => status = 302,
            ReplyKind::Preflight => status = 204,
            ReplyKind::Grpc => body.text(&self.message(facts)),
            ReplyKind::GrpcPlain => {
                status = 503;
                add("content-type", "application/grpc");
            }
            ReplyKind::GrpcWeb => {
                status = 200;
                add("content-type", "application/grpc-web+proto");
                body.bytes(&self.trailers(facts));
            }
            ReplyKind::GrpcWebText => {
                status = 200;
                add("content-type", "application/grpc-web-text+proto");
                if let Ok(text) = Base64::encode_to_string(self.trailers(facts)) {
                    body.text(&text);
                }
            }
            ReplyKind::Connect => {
                status = 503;
                add("content-type", "application/json");
                let message = crate::tree::quoted(&self.message(facts));
                body.text(&format!("{{\"code\":\"unavailable\",\"message\":{message}}}"));
            }
        }
        if form == ReplyKind::GrpcPlain {
            add("grpc-status", "14");
            add("grpc-message", &self.percent_encoded_message(facts));
        }
        if let (ReplyKind::Redirect, Some(redirect)) = (form, &self.redirect) {
            add("location", &redirect.url);
        }
        self.headers.iter().for_each(|(name, value)| headers.push(name, value));
        // A rule refuses some requests of a site that is open: nobody is to be logged out there.
        for name in self.clear_cookies.iter().filter(|_| !facts.by_rule) {
            headers.push("set-cookie", &expired(name));
        }
        Prepared { status, headers, body: body.finish() }
    }

    fn write(&self, template: &Template, facts: &RefusalFacts<'_>, out: &mut BodyWriter) {
        template.walk(
            |variable| facts.has(variable),
            |piece| match piece {
                Piece::Literal(text) => out.text(text),
                Piece::Value(Variable::Path, escape) => out.hole(Placeholder::Path(escape)),
                Piece::Value(Variable::RetryAfter, _) if facts.retry => out.hole(Placeholder::RetryAfter),
                Piece::Value(variable, escape) => {
                    if let Some(value) = facts.value(variable, &self.site) {
                        out.value(&value, escape);
                    }
                }
            },
        );
    }

    /// The frame that ends each gRPC-Web response. Without a body Envoy would take out the content type, and some clients
    /// take an answer without one for no answer.
    fn trailers(&self, facts: &RefusalFacts<'_>) -> Vec<u8> {
        const TRAILERS: u8 = 0x80;
        let lines = format!("grpc-status: 14\r\ngrpc-message: {}\r\n", self.percent_encoded_message(facts));
        let mut frame = vec![TRAILERS];
        frame.extend_from_slice(&(lines.len() as u32).to_be_bytes());
        frame.extend_from_slice(lines.as_bytes());
        frame
    }

    /// The message as a header or trailer of gRPC's.
    fn percent_encoded_message(&self, facts: &RefusalFacts<'_>) -> String {
        self.message(facts).replace('%', "%25")
    }

    /// What machines are told: short, and printable ASCII, as it becomes a header.
    fn message(&self, facts: &RefusalFacts<'_>) -> String {
        const MAX: usize = 200;
        let title = match facts.mode {
            Mode::ReadOnly => "is read-only for maintenance",
            Mode::Online | Mode::Offline => "is closed for maintenance",
        };
        let reason = facts.reason.filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}"));
        format!("{} {title}{}", self.site, reason.unwrap_or_default())
            .chars()
            .map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
            .take(MAX)
            .collect()
    }
}

/// Expires a cookie in the browser (RFC 6265 section 3.1). A browser takes the two prefixes with `Secure` only, and
/// other cookies over http without it only (RFC 6265bis section 4.1.3).
fn expired(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let secure = if lower.starts_with("__host-") || lower.starts_with("__secure-") { "; Secure" } else { "" };
    format!("{name}=; Max-Age=0; Path=/{secure}")
}
