//! The decision on a GET from an unknown client while every site is offline.

use envoy_maintenance::request::{HeaderMap, Request, UnknownPeer};
use envoy_maintenance::state::{ActiveMode, EffectiveState, Mode};
use envoy_maintenance::verdict::{Verdict, decide};

use super::subject::Subject;

/// Decides a GET of `target` on `host`, and passes the index of its site and the verdict to `read`.
pub fn decided<T>(
    subject: &Subject,
    host: &str,
    target: &str,
    read: impl FnOnce(Option<usize>, Verdict<'_>) -> T,
) -> T {
    let target = target.split('#').next().unwrap_or_default();
    let entries = [(":method", "GET"), (":authority", host), (":path", target)];
    let headers = HeaderMap::new(entries.map(|(name, value)| (name.into(), value.into())).into());
    let request = Request::new(&headers, &UnknownPeer);
    let closed =
        ActiveMode { mode: Mode::Offline, since: None, until: None, eta: None, reason: None, suspend: Vec::new() };
    let state = EffectiveState { active: vec![closed] };
    let decision = decide(&subject.policy, |_| &state, &request);
    read(decision.site.map(|(position, _)| position), decision.verdict)
}
