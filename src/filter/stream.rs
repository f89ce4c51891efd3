//! The callbacks of a request: collect, decide, act.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use super::host::HostError;
use super::root::Root;
use super::sdk::{Action, Context, HttpContext};
use super::sites::Sites;
use super::{control, host, log_limit, register, stats};
use crate::reply::{self, LocalReply};
use crate::request::{EXPRESSION, HOSTCALL, Peer, Request, Scalar, WorkBudget, address};
use crate::tree::quoted;
use crate::verdict::{PassReason, Verdict, decide};

/// A request that a rule or a mode could refuse, or that may be for the control endpoint.
pub struct Stream {
    /// `None` if Envoy has not configured the plugin.
    root: Option<Rc<Root>>,
}

impl Stream {
    pub fn new(root: Option<Rc<Root>>) -> Stream {
        Stream { root }
    }

    fn answer(root: &Root) -> Result<Option<LocalReply>, HostError> {
        let headers = host::request_headers()?;
        let peer = Downstream::new(root.policy.jwt_metadata_key.as_deref());
        let request = Request::new(&headers, &peer);
        if let Some(reply) = control::answer(root, &request) {
            return Ok(Some(reply));
        }
        let sites = Sites::of(root);
        let decision = decide(&root.policy, |site| sites.state(site), &request);
        if let Some(error) = peer.error.get() {
            return Err(error);
        }
        let Some((position, _)) = decision.site else {
            if root.is_closed() {
                stats::count("no_site_passed");
            }
            show(&decision.verdict);
            return Ok(None);
        };
        if decision.verdict != Verdict::Pass(PassReason::Online) {
            show(&decision.verdict);
        }
        let stats = root.stats.get(position);
        match decision.verdict {
            Verdict::Pass(pass) => {
                if let (PassReason::Exempt(rule), Some(stats)) = (pass, stats) {
                    stats.bypassed(rule);
                }
                if let Some(status) = decision.status() {
                    host::set_request_header("x-maintenance-status", &status)?;
                }
                Ok(None)
            }
            Verdict::HealthCheck(_) => Ok(Some(reply::health_check())),
            Verdict::Refuse(refusal) => {
                if let Some(stats) = stats {
                    stats.refused();
                }
                let Some(reply) = root.replies.get(position) else { return Ok(Some(reply::unreadable())) };
                let (now, random) = (root.now.get(), register::spread());
                Ok(Some(reply.answer(refusal, decision.state, &request, now, random)))
            }
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let reply = match &self.root {
            Some(root) => Stream::answer(root).unwrap_or_else(|error| {
                log_limit::failure(&error);
                stats::count("hostcall_failed");
                let may_refuse = root.is_closed() || root.policy.has_always_closed();
                may_refuse.then(reply::unreadable)
            }),
            None => Some(reply::unreadable()),
        };
        let Some(reply) = reply else { return Action::Continue };
        // A request must never continue after a local reply, so it also pauses if the reply could not be sent.
        if let Err(error) = host::send_local_response(&reply) {
            log_limit::failure(&error);
        }
        Action::Pause
    }
}

/// Shows the verdict to the access log. A failure changes nothing but the log.
fn show(verdict: &Verdict<'_>) {
    if let Err(error) = host::set_property("maintenance.via", &verdict.text()) {
        log_limit::failure(&error);
    }
}

/// The path of a claim, and its values.
type KnownClaim = (Vec<String>, Rc<[Vec<u8>]>);

/// The client of the request, as Envoy knows it. Each property is read at most once, because it costs a hostcall.
struct Downstream<'r> {
    jwt_metadata_key: Option<&'r str>,
    /// A failure to read a property. The decision cannot be trusted then.
    error: Cell<Option<HostError>>,
    address: OnceCell<Option<IpAddr>>,
    uri_sans: OnceCell<Vec<Vec<u8>>>,
    claims: RefCell<Vec<KnownClaim>>,
}

/// The filter whose metadata has the verified tokens.
const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";
/// The largest number of elements of a claim's list that are read.
const MAX_ELEMENTS: usize = 256;

impl<'r> Downstream<'r> {
    fn new(jwt_metadata_key: Option<&'r str>) -> Downstream<'r> {
        Downstream {
            jwt_metadata_key,
            error: Cell::new(None),
            address: OnceCell::new(),
            uri_sans: OnceCell::new(),
            claims: RefCell::default(),
        }
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        host::property(path).unwrap_or_else(|error| {
            self.error.set(Some(error));
            None
        })
    }

    fn read_claim(&self, path: &[String], budget: &WorkBudget) -> Vec<Vec<u8>> {
        let Some(key) = self.jwt_metadata_key else {
            return Vec::new();
        };
        let mut full = vec!["metadata", "filter_metadata", JWT_AUTHN, key];
        full.extend(path.iter().map(String::as_str));
        // Only lists support index lookup. Try it first: the bytes of a list can look like text.
        let mut elements = Vec::new();
        for index in 0..MAX_ELEMENTS {
            let index = index.to_string();
            let path: Vec<&str> = full.iter().copied().chain([index.as_str()]).collect();
            match self.claim_value(&path, budget) {
                ClaimValue::Bytes(bytes) => elements.push(bytes),
                ClaimValue::Null => {}
                ClaimValue::Absent if index == "0" => {
                    return match self.claim_value(&full, budget) {
                        ClaimValue::Bytes(bytes) => vec![bytes],
                        ClaimValue::Null | ClaimValue::Absent => Vec::new(),
                    };
                }
                ClaimValue::Absent => return elements,
            }
        }
        // Further elements are unknown.
        let _ = budget.pay(usize::MAX);
        elements
    }

    fn claim_value(&self, path: &[&str], budget: &WorkBudget) -> ClaimValue {
        if !budget.pay(HOSTCALL) {
            return ClaimValue::Absent;
        }
        match host::property(path) {
            Ok(Some(bytes)) => ClaimValue::Bytes(bytes),
            Ok(None) => ClaimValue::Absent,
            Err(error) if error.is_unencodable() => ClaimValue::Null,
            Err(error) => {
                self.error.set(Some(error));
                ClaimValue::Absent
            }
        }
    }
}

/// The value under one path of a claim.
enum ClaimValue {
    Bytes(Vec<u8>),
    /// `null`, or an object with a `null`: no text, number or boolean.
    Null,
    Absent,
}

impl Peer for Downstream<'_> {
    fn remote_address(&self) -> Option<IpAddr> {
        *self.address.get_or_init(|| address::parse_source(&self.property(&["source", "address"])?))
    }

    fn uri_sans(&self) -> Vec<Vec<u8>> {
        let ask = || {
            let san = self.property(&["connection", "uri_san_peer_certificate"]);
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
        let values: Rc<[Vec<u8>]> = self.read_claim(path, budget).into();
        self.claims.borrow_mut().push((path.to_vec(), values.clone()));
        values
    }

    fn claim_equals(&self, path: &[String], value: Scalar, budget: &WorkBudget) -> bool {
        let Some(key) = self.jwt_metadata_key.filter(|_| budget.pay(EXPRESSION)) else { return false };
        let mut claim = "metadata.filter_metadata".to_owned();
        for name in [JWT_AUTHN, key].into_iter().chain(path.iter().map(String::as_str)) {
            claim.extend(["[", &quoted(name), "]"]);
        }
        let literal = value.literal();
        // One of the operands is an error, which `||` ignores if the other one is true.
        let expression = [&claim, " == ", &literal, " || ", &literal, " in ", &claim].concat();
        host::evaluate(&expression).is_ok_and(|result| result == Scalar::Bool(true).bytes())
    }
}
