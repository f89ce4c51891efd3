//! Replies written ahead: all of a reply but what each request or second changes, so that a refusal copies its page once
//! or not at all.

use std::cell::RefCell;
use std::rc::Rc;

use super::ReplyHeaders;
use super::escape::Escape;
use super::form::ReplyKind;
use super::variables::RefusalFacts;
use crate::state::Mode;
use crate::time::Time;

/// So many replies of a site are kept: its forms, in two modes at most.
const MAX_KEPT: usize = 8;
/// Longer paths are cut where a page shows them.
const MAX_PATH: usize = 1024;

/// What a request or a second changes in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// Seconds.
    RetryAfter,
    /// The request's path.
    Path(Escape),
}

/// A reply, but for its holes.
#[derive(Debug)]
pub struct Prepared {
    /// The HTTP status.
    pub status: u32,
    /// The headers that all such replies have.
    pub headers: ReplyHeaders,
    /// The body.
    pub body: PreparedBody,
}

/// A body, but for its holes.
#[derive(Debug)]
pub struct PreparedBody {
    text: Rc<Vec<u8>>,
    /// Each with its place in `text`, in order.
    holes: Vec<(usize, Placeholder)>,
}

impl PreparedBody {
    /// The body for one request.
    pub fn fill(&self, retry_after: Option<u64>, path: &str) -> Rc<Vec<u8>> {
        if self.holes.is_empty() {
            return self.text.clone();
        }
        let path = path.get(..path.floor_char_boundary(MAX_PATH)).unwrap_or_default();
        let mut filled = Vec::with_capacity(self.text.len() + self.holes.len() * (path.len() + 8));
        let mut done = 0;
        for (place, hole) in &self.holes {
            filled.extend_from_slice(self.text.get(done..*place).unwrap_or_default());
            let mut value = String::new();
            match hole {
                Placeholder::RetryAfter => value.push_str(&retry_after.unwrap_or_default().to_string()),
                Placeholder::Path(escape) => escape.write(path, &mut value),
            }
            filled.extend_from_slice(value.as_bytes());
            done = *place;
        }
        filled.extend_from_slice(self.text.get(done..).unwrap_or_default());
        Rc::new(filled)
    }
}

/// Writes a body.
#[derive(Debug, Default)]
pub struct BodyWriter {
    text: Vec<u8>,
    holes: Vec<(usize, Placeholder)>,
}

impl BodyWriter {
    /// Appends text as it is.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Appends a value, escaped.
    pub fn value(&mut self, value: &str, escape: Escape) {
        let mut escaped = String::new();
        escape.write(value, &mut escaped);
        self.text(&escaped);
    }

    /// Leaves a place for what comes with the request.
    pub fn hole(&mut self, hole: Placeholder) {
        self.holes.push((self.text.len(), hole));
    }

    /// The body.
    pub fn finish(self) -> PreparedBody {
        PreparedBody { text: Rc::new(self.text), holes: self.holes }
    }
}

/// The replies of a site that were asked for last.
#[derive(Clone, Debug, Default)]
pub struct Cache(RefCell<Vec<(CacheKey, Rc<Prepared>)>>);

#[derive(Clone, Debug)]
struct CacheKey {
    form: ReplyKind,
    mode: Mode,
    by_rule: bool,
    reason: Option<String>,
    since: Option<Time>,
    until: Option<Time>,
    eta: Option<Time>,
    overdue: bool,
    retry: bool,
}

impl CacheKey {
    fn new(form: ReplyKind, facts: &RefusalFacts<'_>) -> CacheKey {
        let RefusalFacts { mode, by_rule, reason, since, until, eta, overdue, retry } = facts.clone();
        CacheKey { form, mode, by_rule, reason: reason.map(str::to_owned), since, until, eta, overdue, retry }
    }

    fn is(&self, form: ReplyKind, facts: &RefusalFacts<'_>) -> bool {
        let CacheKey { form: own, mode, by_rule, reason, since, until, eta, overdue, retry } = self;
        let (mode, by_rule, since, until, eta) = (*mode, *by_rule, *since, *until, *eta);
        let (reason, overdue, retry) = (reason.as_deref(), *overdue, *retry);
        *own == form && RefusalFacts { mode, by_rule, reason, since, until, eta, overdue, retry } == *facts
    }
}

impl Cache {
    /// The reply of that form and those facts, made by `prepare` where it is not there yet.
    pub fn get(&self, form: ReplyKind, facts: &RefusalFacts<'_>, prepare: impl FnOnce() -> Prepared) -> Rc<Prepared> {
        let Ok(mut kept) = self.0.try_borrow_mut() else { return Rc::new(prepare()) };
        if let Some((_, prepared)) = kept.iter().find(|(key, _)| key.is(form, facts)) {
            return prepared.clone();
        }
        // What another reason or another time made is not asked for again; what another mode made may be.
        kept.retain(|(key, _)| key.form != form || key.mode != facts.mode || key.by_rule != facts.by_rule);
        if kept.len() >= MAX_KEPT {
            kept.remove(0);
        }
        let prepared = Rc::new(prepare());
        kept.push((CacheKey::new(form, facts), prepared.clone()));
        prepared
    }
}
