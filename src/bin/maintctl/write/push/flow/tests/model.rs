//! A model of Envoys and of the network between them and maintctl.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use ct_codecs::{Base64UrlSafeNoPadding, Decoder};
use envoy_maintenance::time::Time;
use serde_json::{Map, Value, json};

use super::add_window;
use crate::document::draft::Draft;
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::Course;
use crate::envoys::request::{EnvoyRequest, EnvoyResponse, Moment, SignedDocument, StatusKind};

/// The time of this machine's clock at the start.
pub const START: i64 = 1_795_204_262_751;
/// The time limit of one request.
const REQUEST: Duration = Duration::from_secs(3);
/// The time after which an Envoy has adopted a document.
const TICK: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    Dead,
    /// It answers nothing until this time.
    FrozenUntil(Duration),
    /// It answers nothing between these times.
    Freezes(Duration, Duration),
    /// It restarts once, and forgets its document.
    Restarts,
}

#[derive(Clone, Debug)]
pub struct SimulatedEnvoy {
    pub url: String,
    name: String,
    pub trouble: Trouble,
    pub restarts_at: Option<Duration>,
    pub document: Option<Draft>,
    adopted_at: Duration,
    /// The time at which it accepted the first document of this push.
    pub accepted_at: Option<Duration>,
    pub was_changed_by_other: bool,
}

impl SimulatedEnvoy {
    pub fn stamp(&self) -> Option<(u64, String)> {
        let document = self.document.as_ref()?;
        Some((document.revision(), document.digest().unwrap().to_string()))
    }

    /// The number of windows with this reason.
    pub fn count(&self, reason: &str) -> usize {
        let windows = self.document.as_ref().and_then(|document| document.members().get("windows"));
        windows.and_then(Value::as_array).into_iter().flatten().filter(|window| window["reason"] == reason).count()
    }

    /// The time at which it handles a request that arrives at `time`; `None` for a connection that is refused.
    fn handles_at(&self, time: Duration) -> Option<Duration> {
        match self.trouble {
            Trouble::Dead => None,
            Trouble::FrozenUntil(until) => Some(time.max(until)),
            Trouble::Freezes(from, until) if time >= from && time < until => Some(until),
            _ => Some(time),
        }
    }

    fn status(&self, now: Duration, details: bool) -> Value {
        let (revision, digest) = self.stamp().unzip();
        let mut site = json!({ "site": "shop", "mode": "online", "revision": revision.unwrap_or(0), "digest": digest });
        site["workers"] = json!({ "members": 1, "adopted": u8::from(now >= self.adopted_at) });
        if let Some(document) = self.document.as_ref().filter(|_| details) {
            site["document"] = Value::Object(document.members().clone());
        }
        json!({ "envoy": self.name, "sites": [site] })
    }

    fn put(&mut self, document: &SignedDocument, now: Duration) -> Result<(), EnvoyError> {
        let conflict = |code: &str| Err(EnvoyError::Rejected { code: code.to_owned(), detail: String::new() });
        if self.stamp().map(|(_, digest)| digest) == Some(document.digest.clone()) {
            return Ok(());
        }
        if self.stamp().map(|(_, digest)| digest) != document.replaces {
            return conflict("conflict");
        }
        if self.stamp() > Some((document.revision, document.digest.clone())) {
            return conflict("stale_revision");
        }
        let payload = document.signed.split('.').nth(1).unwrap();
        let payload = Base64UrlSafeNoPadding::decode_to_vec(payload, None).unwrap();
        let members: Map<String, Value> = serde_json::from_slice(&payload).unwrap();
        self.document = Some(Draft::from_members("shop", members));
        self.adopted_at = now + TICK;
        self.accepted_at.get_or_insert(now);
        Ok(())
    }
}

/// A model of a fleet, its network and another operator.
#[derive(Debug)]
pub struct ModelFleet {
    pub envoys: Vec<SimulatedEnvoy>,
    pub has_unknown_name: bool,
    pub deadline: Duration,
    pub now: Duration,
    /// The time at which another operator changes one Envoy.
    pub other_at: Option<Duration>,
    pub other_envoy: usize,
    pub latency: Duration,
    /// Future events, by time.
    events: BTreeMap<(Duration, u64), SimulatedEvent>,
    count: u64,
}

#[derive(Debug)]
enum SimulatedEvent {
    /// A request arrives at an Envoy, which was sent at this time.
    Arrives(EnvoyRequest, Duration),
    Responds(EnvoyResponse),
    /// A request without a response has timed out.
    TimesOut(EnvoyRequest),
    OtherChanges,
    Restarts(usize),
}

impl ModelFleet {
    pub fn healthy(count: usize, deadline: Duration) -> ModelFleet {
        let mut model = ModelFleet {
            envoys: Vec::new(),
            has_unknown_name: false,
            deadline,
            now: Duration::ZERO,
            other_at: None,
            other_envoy: 0,
            latency: Duration::from_millis(2),
            events: BTreeMap::new(),
            count: 0,
        };
        (0..count).for_each(|_| model.add(Trouble::None));
        model
    }

    pub fn add(&mut self, trouble: Trouble) {
        let number = self.envoys.len() + 1;
        self.envoys.push(SimulatedEnvoy {
            url: format!("http://10.0.0.{number}:1"),
            name: format!("e{number}/1"),
            trouble,
            restarts_at: None,
            document: None,
            adopted_at: Duration::ZERO,
            accepted_at: None,
            was_changed_by_other: false,
        });
    }

    pub fn urls(&self) -> Vec<String> {
        let unknown = self.has_unknown_name.then(|| "http://unknown:1".to_owned());
        self.envoys.iter().map(|envoy| envoy.url.clone()).chain(unknown).collect()
    }

    /// True if the newest document is on an Envoy that did not answer after it got the document.
    pub fn is_newest_hidden(&self) -> bool {
        let newest = self.envoys.iter().max_by_key(|envoy| envoy.stamp());
        newest.is_some_and(|envoy| envoy.trouble != Trouble::None)
    }

    fn at(&mut self, time: Duration, event: SimulatedEvent) {
        self.count += 1;
        self.events.insert((time, self.count), event);
    }

    fn moment(&self) -> Moment {
        let elapsed = i64::try_from(self.now.as_millis()).unwrap();
        Moment { elapsed: self.now, time: Time(START + elapsed) }
    }

    /// Runs a course until it is over.
    pub fn run(&mut self, course: &mut impl Course) -> Result<()> {
        if let Some(at) = self.other_at {
            self.at(at, SimulatedEvent::OtherChanges);
        }
        for number in 0..self.envoys.len() {
            if let Some(at) = self.envoys[number].restarts_at {
                self.at(at, SimulatedEvent::Restarts(number));
            }
        }
        loop {
            for request in course.requests(self.moment())? {
                self.at(self.now + self.latency, SimulatedEvent::Arrives(request, self.now));
            }
            if course.is_over(self.moment()) {
                return Ok(());
            }
            let wake = course.fleet().wake(self.moment()).max(self.now + Duration::from_millis(1));
            let next = self.events.first_key_value().map(|((time, _), _)| *time).filter(|time| *time <= wake);
            self.now = next.unwrap_or(wake);
            while self.events.first_key_value().is_some_and(|((time, _), _)| *time <= self.now) {
                let Some((_, event)) = self.events.pop_first() else { break };
                if let Some(response) = self.happen(event) {
                    course.take(response, self.moment())?;
                }
            }
        }
    }

    fn happen(&mut self, event: SimulatedEvent) -> Option<EnvoyResponse> {
        match event {
            SimulatedEvent::Arrives(request, sent) => self.arrive(request, sent),
            SimulatedEvent::Responds(response) => return Some(response),
            SimulatedEvent::TimesOut(request) => return Some(failed(request, EnvoyError::timeout())),
            SimulatedEvent::OtherChanges => self.change_by_other(),
            SimulatedEvent::Restarts(number) => {
                let envoy = &mut self.envoys[number];
                (envoy.document, envoy.was_changed_by_other) = (None, false);
                envoy.name.push('1');
            }
        }
        None
    }

    /// An Envoy handles a request, perhaps later, or after maintctl has given up.
    fn arrive(&mut self, request: EnvoyRequest, sent: Duration) {
        let peer = match &request {
            EnvoyRequest::Resolve { url } => {
                let address = format!("10.0.0.{}:1", url + 1);
                let is_known = *url < self.envoys.len();
                let unknown = || EnvoyError::Unreachable("the host name cannot be resolved".to_owned());
                let result = if is_known { Ok(vec![address.parse().unwrap()]) } else { Err(unknown()) };
                let response = EnvoyResponse::Addresses { url: *url, result };
                return self.at(self.now + self.latency, SimulatedEvent::Responds(response));
            }
            EnvoyRequest::Status { peer, .. } | EnvoyRequest::Put { peer, .. } => *peer,
        };
        let limit = self.deadline.min(sent + REQUEST);
        match self.envoys[peer].handles_at(self.now) {
            None => {
                let refused = EnvoyError::Unreachable("connection refused".to_owned());
                self.at(self.now + self.latency, SimulatedEvent::Responds(failed(request, refused)));
            }
            Some(time) if time > self.now => {
                if time < Duration::MAX {
                    self.at(time, SimulatedEvent::Arrives(request.clone(), sent));
                }
                if limit < time && limit > self.now {
                    self.at(limit, SimulatedEvent::TimesOut(request));
                }
            }
            Some(_) => {
                let now = self.now;
                let envoy = &mut self.envoys[peer];
                let response = match request {
                    EnvoyRequest::Put { peer, document } => {
                        let result = envoy.put(&document, now);
                        EnvoyResponse::Put { peer, document, result }
                    }
                    EnvoyRequest::Status { peer, round, kind } => {
                        let status = envoy.status(now, kind == StatusKind::Full);
                        EnvoyResponse::Status { peer, round, kind, result: Ok(serde_json::from_value(status).unwrap()) }
                    }
                    EnvoyRequest::Resolve { .. } => return,
                };
                if now <= limit {
                    self.at(now + self.latency, SimulatedEvent::Responds(response));
                }
            }
        }
    }

    /// Another operator changes the document of one Envoy.
    fn change_by_other(&mut self) {
        let time = self.moment().time;
        let tick = self.now + TICK;
        let envoy = &mut self.envoys[self.other_envoy];
        let mut draft = envoy.document.clone().unwrap_or_else(|| Draft::new("shop", Some("f")));
        let before = draft.clone();
        add_window(&mut draft, "other");
        draft.stamp(&before, time, "other");
        draft.date(time);
        (envoy.document, envoy.adopted_at, envoy.was_changed_by_other) = (Some(draft), tick, true);
    }
}

fn failed(request: EnvoyRequest, error: EnvoyError) -> EnvoyResponse {
    match request {
        EnvoyRequest::Resolve { url } => EnvoyResponse::Addresses { url, result: Err(error) },
        EnvoyRequest::Status { peer, round, kind } => EnvoyResponse::Status { peer, round, kind, result: Err(error) },
        EnvoyRequest::Put { peer, document } => EnvoyResponse::Put { peer, document, result: Err(error) },
    }
}
