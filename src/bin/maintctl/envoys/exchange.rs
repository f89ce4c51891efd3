//! The exchange with the Envoys of a target: sends requests, each in a thread of its own, and passes on the responses as
//! they arrive. No request outlives the deadline, and none is waited for: threads of silent Envoys end on their own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use ureq::tls::TlsConfig;

use crate::envoys::addresses::{self, Endpoint};
use crate::envoys::client::Client;
use crate::envoys::error::EnvoyError;
use crate::envoys::fleet::Fleet;
use crate::envoys::request::{EnvoyRequest, EnvoyResponse, Moment, PeerId, StatusKind};
use crate::terminal::progress::Progress;
use crate::terminal::times;

/// A state machine that derives the next requests from the responses and the time.
pub trait Course {
    fn fleet(&self) -> &Fleet;

    /// Takes a response.
    fn take(&mut self, response: EnvoyResponse, now: Moment) -> Result<()>;

    /// Acts on the current state, and returns the requests that are due.
    fn requests(&mut self, now: Moment) -> Result<Vec<EnvoyRequest>>;

    /// True if the result is final.
    fn is_over(&self, now: Moment) -> bool;
}

/// The course of a query or a proof. Without a goal, it is over when every address has answered.
impl Course for Fleet {
    fn fleet(&self) -> &Fleet {
        self
    }

    fn take(&mut self, response: EnvoyResponse, now: Moment) -> Result<()> {
        Fleet::take(self, response, now);
        Ok(())
    }

    fn requests(&mut self, now: Moment) -> Result<Vec<EnvoyRequest>> {
        Ok(Fleet::requests(self, now))
    }

    fn is_over(&self, now: Moment) -> bool {
        Fleet::is_over(self, now) || self.has_no_goal() && self.is_settled()
    }
}

/// The time since the start, which stops during questions to the operator.
#[derive(Debug)]
pub struct StopWatch {
    start: Instant,
    stopped: Cell<Duration>,
}

impl StopWatch {
    pub fn start() -> StopWatch {
        StopWatch { start: Instant::now(), stopped: Cell::default() }
    }

    pub fn now(&self) -> Moment {
        let elapsed = self.start.elapsed().saturating_sub(self.stopped.get());
        Moment { elapsed, time: times::time(&times::now()) }
    }

    /// The time from the start to `deadline`.
    pub fn until(&self, deadline: Instant) -> Duration {
        deadline.saturating_duration_since(self.start)
    }

    /// Runs `act`, whose time does not count.
    pub fn stop_during<T>(&self, act: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = act();
        self.stopped.set(self.stopped.get() + began.elapsed());
        result
    }

    /// The instant at which this much time has passed.
    fn instant(&self, elapsed: Duration) -> Instant {
        let elapsed = elapsed.saturating_add(self.stopped.get());
        self.start.checked_add(elapsed).unwrap_or_else(Instant::now)
    }
}

/// The connections to the Envoys of one target.
pub struct Exchange<'a> {
    pub urls: &'a [String],
    pub tls: Option<&'a TlsConfig>,
    /// Signs a read token, if there is a key.
    pub token: &'a dyn Fn() -> Option<String>,
    pub deadline: Duration,
    pub watch: &'a StopWatch,
}

impl Exchange<'_> {
    /// Runs a course until it is over. `title` begins the line on a terminal.
    pub fn run(&self, course: &mut impl Course, title: &'static str) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        let progress = Progress::start(title);
        let result = self.run_until_over(course, &sender, &receiver, &progress);
        progress.end();
        result
    }

    fn run_until_over(
        &self,
        course: &mut impl Course,
        sender: &Sender<EnvoyResponse>,
        receiver: &Receiver<EnvoyResponse>,
        progress: &Progress,
    ) -> Result<()> {
        let mut clients: BTreeMap<PeerId, Client> = BTreeMap::new();
        loop {
            for request in course.requests(self.watch.now())? {
                self.send(request, course.fleet(), &mut clients, sender);
            }
            let now = self.watch.now();
            if course.is_over(now) {
                return Ok(());
            }
            progress.update(|| line(course.fleet()));
            let wait = course.fleet().wake(now).saturating_sub(now.elapsed).max(Duration::from_millis(1));
            let Ok(response) = receiver.recv_timeout(wait) else { continue };
            course.take(response, self.watch.now())?;
            // Responses that have arrived meanwhile cost no wait.
            while let Ok(response) = receiver.try_recv() {
                course.take(response, self.watch.now())?;
            }
        }
    }

    /// Sends a request in a thread of its own.
    fn send(
        &self,
        request: EnvoyRequest,
        fleet: &Fleet,
        clients: &mut BTreeMap<PeerId, Client>,
        sender: &Sender<EnvoyResponse>,
    ) {
        let deadline = self.watch.instant(self.deadline);
        let response: Box<dyn FnOnce() -> EnvoyResponse + Send> = match request.clone() {
            EnvoyRequest::Resolve { url } => {
                let Some(name) = self.urls.get(url).cloned() else { return };
                Box::new(move || EnvoyResponse::Addresses { url, result: addresses::resolve(&name) })
            }
            EnvoyRequest::Status { peer, round, kind } => {
                let Some(client) = self.client(peer, fleet, clients) else { return };
                let token = if kind == StatusKind::Full { (self.token)() } else { None };
                Box::new(move || {
                    let result = match kind {
                        StatusKind::Probe => client.fresh_status(deadline),
                        StatusKind::Full | StatusKind::Public => client.status(token.as_deref(), deadline),
                    };
                    EnvoyResponse::Status { peer, round, kind, result }
                })
            }
            EnvoyRequest::Put { peer, document } => {
                let Some(client) = self.client(peer, fleet, clients) else { return };
                Box::new(move || {
                    let result = client.put(&document, deadline);
                    EnvoyResponse::Put { peer, document, result }
                })
            }
        };
        let arrived = sender.clone();
        // After the course, the receiver no longer exists.
        let thread = thread::Builder::new().spawn(move || drop(arrived.send(response())));
        if thread.is_err() {
            let error = EnvoyError::Unreachable("this machine has no thread left for the request".to_owned());
            let _ = sender.send(failed(request, error));
        }
    }

    fn client(&self, peer: PeerId, fleet: &Fleet, clients: &mut BTreeMap<PeerId, Client>) -> Option<Client> {
        let endpoint: &Endpoint = &fleet.peers.get(peer)?.endpoint;
        Some(clients.entry(peer).or_insert_with(|| Client::new(endpoint, self.tls)).clone())
    }
}

/// The response to a request that was not sent.
fn failed(request: EnvoyRequest, error: EnvoyError) -> EnvoyResponse {
    match request {
        EnvoyRequest::Resolve { url } => EnvoyResponse::Addresses { url, result: Err(error) },
        EnvoyRequest::Status { peer, round, kind } => EnvoyResponse::Status { peer, round, kind, result: Err(error) },
        EnvoyRequest::Put { peer, document } => EnvoyResponse::Put { peer, document, result: Err(error) },
    }
}

/// The line on a terminal.
fn line(fleet: &Fleet) -> String {
    let adoption = fleet.adoption();
    let outstanding = fleet.outstanding();
    let separator = if outstanding.is_empty() { "" } else { "; " };
    let verb = if fleet.is_query() { "responded" } else { "adopted" };
    format!("{}/{} Envoys have {verb}{separator}{outstanding}", adoption.adopted, adoption.total)
}
