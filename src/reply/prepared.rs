//! Prepared replies, and the cache of them. A prepared reply contains everything but the values that change with each
//! request or second, for which its body has placeholders. A refusal therefore copies its page once, or not at all.

use std::cell::RefCell;
use std::rc::Rc;

use super::ReplyHeaders;
use super::escape::Escape;
use super::kind::ReplyKind;
use super::variables::RefusalFacts;
use crate::state::Mode;
use crate::time::Time;

/// The number of replies that the cache of a site keeps: a few kinds, in at most two modes.
const MAX_CACHED: usize = 8;
/// The longest path that a page shows, in bytes. Longer ones are cut.
const MAX_PATH: usize = 1024;

/// A value in a body that changes with each request or second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The seconds of `retry-after`.
    RetryAfter,
    /// The request's path.
    Path(Escape),
}

/// A reply without the values of its placeholders.
#[derive(Debug)]
pub struct PreparedReply {
    /// The HTTP status.
    pub status: u32,
    /// The headers, without `retry-after` and those of CORS.
    pub headers: ReplyHeaders,
    /// The body.
    pub body: PreparedBody,
}

/// A body with placeholders.
#[derive(Debug)]
pub struct PreparedBody {
    text: Rc<Vec<u8>>,
    /// The placeholders and their byte positions in `text`, in order.
    placeholders: Vec<(usize, Placeholder)>,
}

impl PreparedBody {
    /// The body for one request. Without placeholders, it is shared and not copied.
    pub fn fill(&self, retry_after: Option<u64>, path: &str) -> Rc<Vec<u8>> {
        if self.placeholders.is_empty() {
            return self.text.clone();
        }
        let path = path.get(..path.floor_char_boundary(MAX_PATH)).unwrap_or_default();
        let mut filled = Vec::with_capacity(self.text.len() + self.placeholders.len() * (path.len() + 8));
        let mut done = 0;
        for (position, placeholder) in &self.placeholders {
            filled.extend_from_slice(self.text.get(done..*position).unwrap_or_default());
            let mut value = String::new();
            match placeholder {
                Placeholder::RetryAfter => value.push_str(&retry_after.unwrap_or_default().to_string()),
                Placeholder::Path(escape) => escape.write(path, &mut value),
            }
            filled.extend_from_slice(value.as_bytes());
            done = *position;
        }
        filled.extend_from_slice(self.text.get(done..).unwrap_or_default());
        Rc::new(filled)
    }
}

/// Builds a body.
#[derive(Debug, Default)]
pub struct BodyWriter {
    text: Vec<u8>,
    placeholders: Vec<(usize, Placeholder)>,
}

impl BodyWriter {
    /// Appends text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Appends an escaped value.
    pub fn value(&mut self, value: &str, escape: Escape) {
        let mut escaped = String::new();
        escape.write(value, &mut escaped);
        self.text(&escaped);
    }

    /// Appends a placeholder.
    pub fn placeholder(&mut self, placeholder: Placeholder) {
        self.placeholders.push((self.text.len(), placeholder));
    }

    /// The body.
    pub fn finish(self) -> PreparedBody {
        PreparedBody { text: Rc::new(self.text), placeholders: self.placeholders }
    }
}

/// The replies that a site prepared last.
#[derive(Clone, Debug, Default)]
pub struct Cache(RefCell<Vec<(CacheKey, Rc<PreparedReply>)>>);

#[derive(Clone, Debug)]
struct CacheKey {
    kind: ReplyKind,
    mode: Mode,
    by_rule: bool,
    reason: Option<String>,
    since: Option<Time>,
    until: Option<Time>,
    eta: Option<Time>,
    overdue: bool,
    has_retry_after: bool,
}

impl CacheKey {
    fn new(kind: ReplyKind, facts: &RefusalFacts<'_>) -> CacheKey {
        let RefusalFacts { mode, by_rule, reason, since, until, eta, overdue, has_retry_after } = facts.clone();
        CacheKey { kind, mode, by_rule, reason: reason.map(str::to_owned), since, until, eta, overdue, has_retry_after }
    }

    fn is_equal(&self, kind: ReplyKind, facts: &RefusalFacts<'_>) -> bool {
        let facts_of_key = RefusalFacts {
            mode: self.mode,
            by_rule: self.by_rule,
            reason: self.reason.as_deref(),
            since: self.since,
            until: self.until,
            eta: self.eta,
            overdue: self.overdue,
            has_retry_after: self.has_retry_after,
        };
        self.kind == kind && facts_of_key == *facts
    }
}

impl Cache {
    /// The reply of this kind with these facts; `prepare` makes it if it is not cached.
    pub fn get(
        &self,
        kind: ReplyKind,
        facts: &RefusalFacts<'_>,
        prepare: impl FnOnce() -> PreparedReply,
    ) -> Rc<PreparedReply> {
        let Ok(mut cached) = self.0.try_borrow_mut() else { return Rc::new(prepare()) };
        if let Some((_, reply)) = cached.iter().find(|(key, _)| key.is_equal(kind, facts)) {
            return reply.clone();
        }
        // A changed reason or time makes the replies before it useless; those of other modes may be needed again.
        cached.retain(|(key, _)| key.kind != kind || key.mode != facts.mode || key.by_rule != facts.by_rule);
        if cached.len() >= MAX_CACHED {
            cached.remove(0);
        }
        let reply = Rc::new(prepare());
        cached.push((CacheKey::new(kind, facts), reply.clone()));
        reply
    }
}
