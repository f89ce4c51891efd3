//! One request: collect, decide, act.

use std::cell::{OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::root::Root;
use super::{control, host, register, stats};
use crate::reply::{self, LocalReply};
use crate::request::{HOSTCALL, Peer, Request, WorkBudget, address};
use crate::verdict::{PassReason, Verdict, decide};

/// A request that must be looked at.
pub struct Stream {
    root: Rc<Root>,
}

impl Stream {
    pub fn new(root: Rc<Root>) -> Stream {
        Stream { root }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let root = &self.root;
        let headers = host::request_headers();
        let peer = Downstream::new(root.policy.jwt_metadata_key.as_deref());
        let request = Request::new(&headers, &peer);
        if let Some(reply) = control::answer(root, &request) {
            return send(&reply);
        }
        let sites = root.sites();
        let decision = decide(&root.policy, |site| sites.situation(site), &request);
        let via = decision.verdict.text();
        let Some((position, _)) = decision.site else {
            if root.is_closed() {
                stats::count("no_site_passed");
            }
            host::set_property("maintenance.via", &via);
            return Action::Continue;
        };
        let stats = root.stats.get(position);
        if decision.verdict != Verdict::Pass(PassReason::Online) {
            host::set_property("maintenance.via", &via);
        }
        match decision.verdict {
            Verdict::Pass(pass) => {
                if let (PassReason::Exempt(rule), Some(stats)) = (pass, stats) {
                    stats.bypassed(rule);
                }
                if let Some(status) = decision.status() {
                    host::set_request_header("x-maintenance-status", &status);
                }
                Action::Continue
            }
            Verdict::HealthCheck(_) => send(&reply::health_check()),
            Verdict::Refuse(refusal) => {
                if let Some(stats) = stats {
                    stats.refused();
                }
                let reply = root
                    .replies
                    .get(position)
                    .map(|reply| reply.answer(refusal, decision.state, &request, root.now.get(), register::spread()));
                send(&reply.unwrap_or_else(LocalReply::unavailable))
            }
        }
    }
}

/// Sends a reply. The one place that does, so that no stream ever goes on after one.
fn send(reply: &LocalReply) -> Action {
    host::send_local_response(reply);
    Action::Pause
}

/// The values of a claim, and the path under which they were asked for.
type KnownClaim = (Vec<String>, Rc<[Vec<u8>]>);

/// Who sent the request, as Envoy knows it. Each question costs a hostcall, and is asked once.
struct Downstream<'r> {
    jwt_metadata_key: Option<&'r str>,
    address: OnceCell<Option<IpAddr>>,
    uri_sans: OnceCell<Vec<Vec<u8>>>,
    claims: RefCell<Vec<KnownClaim>>,
}

/// How many elements of a claim's list are looked at.
const MAX_ELEMENTS: usize = 256;

impl<'r> Downstream<'r> {
    fn new(jwt_metadata_key: Option<&'r str>) -> Downstream<'r> {
        Downstream { jwt_metadata_key, address: OnceCell::new(), uri_sans: OnceCell::new(), claims: RefCell::default() }
    }

    fn ask_for_claim(&self, path: &[String], budget: &WorkBudget) -> Vec<Vec<u8>> {
        let Some(key) = self.jwt_metadata_key else {
            return Vec::new();
        };
        let mut full = vec!["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", key];
        full.extend(path.iter().map(String::as_str));
        let ask = |path: &[&str]| if budget.pay(HOSTCALL) { host::property(path) } else { None };
        let element = |index: usize| {
            let index = index.to_string();
            let path: Vec<&str> = full.iter().copied().chain([index.as_str()]).collect();
            ask(&path)
        };
        // Only lists support index lookup. Try it first: the bytes of a list can look like text.
        let elements: Vec<Vec<u8>> = (0..MAX_ELEMENTS).map_while(element).collect();
        if elements.len() == MAX_ELEMENTS {
            // There may be more, which nothing knows.
            let _ = budget.pay(usize::MAX);
        }
        if elements.is_empty() { ask(&full).into_iter().collect() } else { elements }
    }
}

impl Peer for Downstream<'_> {
    fn remote_address(&self) -> Option<IpAddr> {
        *self.address.get_or_init(|| address::parse_source(&host::property(&["source", "address"])?))
    }

    fn uri_sans(&self) -> Vec<Vec<u8>> {
        let ask = || {
            let san = host::property(&["connection", "uri_san_peer_certificate"]);
            san.filter(|san| !san.is_empty()).into_iter().collect()
        };
        self.uri_sans.get_or_init(ask).clone()
    }

    fn claim(&self, path: &[String], budget: &WorkBudget) -> Rc<[Vec<u8>]> {
        let known =
            |claims: &[KnownClaim]| claims.iter().find(|(known, _)| known == path).map(|(_, values)| values.clone());
        if let Some(values) = known(&self.claims.borrow()) {
            return values;
        }
        let values: Rc<[Vec<u8>]> = self.ask_for_claim(path, budget).into();
        self.claims.borrow_mut().push((path.to_vec(), values.clone()));
        values
    }
}
