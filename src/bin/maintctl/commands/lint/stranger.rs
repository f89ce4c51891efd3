//! What a stranger's GET gets from the filter while its site is offline.

use envoy_maintenance::request::{Headers, Request, Stranger};
use envoy_maintenance::state::{Mode, Situation, Spell};
use envoy_maintenance::verdict::{Verdict, decide};

use crate::commands::lint::subject::Subject;

/// Hands the position of the request's site and the verdict to `read`.
pub fn asks<T>(subject: &Subject, host: &str, target: &str, read: impl FnOnce(Option<usize>, Verdict<'_>) -> T) -> T {
    let target = target.split('#').next().unwrap_or_default();
    let entries = [(":method", "GET"), (":authority", host), (":path", target)];
    let headers = Headers::new(entries.map(|(name, value)| (name.into(), value.into())).into());
    let request = Request::new(&headers, &Stranger);
    let closed = Spell { mode: Mode::Offline, since: None, until: None, eta: None, reason: None, suspend: Vec::new() };
    let situation = Situation { spells: vec![closed] };
    let decision = decide(&subject.policy, |_| &situation, &request);
    read(decision.site.map(|(position, _)| position), decision.verdict)
}
