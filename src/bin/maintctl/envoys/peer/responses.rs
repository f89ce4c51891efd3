//! The responses of one address, and their meaning for the proof.

use std::time::Duration;

use crate::diagnosis::lag;
use crate::envoys::adoption::{ExpectedDocument, replaced};
use crate::envoys::error::EnvoyError;
use crate::envoys::peer::{EnvoyPeer, PROBES, PeerEnd};
use crate::envoys::request::{Moment, SignedDocument, StatusKind};
use crate::envoys::status::{EnvoyStatus, missing_key};

/// The number of failed connections in a proof after which it starts again.
const MAX_MISSES: usize = 2;
/// The pauses between two requests to an Envoy that fails or lags. They grow with the time for which it has done so.
const PAUSE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(250));

impl EnvoyPeer {
    /// Takes the response to a status request. True if it is a status with details of an Envoy that may be used.
    pub fn take_status(
        &mut self,
        (round, kind): (u32, StatusKind),
        result: Result<EnvoyStatus, EnvoyError>,
        goal: Option<&[ExpectedDocument]>,
        now: Moment,
    ) -> bool {
        if kind == StatusKind::Probe {
            self.probes_out = self.probes_out.saturating_sub(1);
            self.early_ended += usize::from(round == 0);
        } else {
            self.is_busy = false;
        }
        if !self.is_open() {
            return false;
        }
        let status = match result {
            Ok(status) => status,
            Err(error) => {
                self.take_failed_status((round, kind), error, now);
                return false;
            }
        };
        let identity = self.identity.get_or_insert_with(|| status.envoy.clone());
        if *identity != status.envoy {
            self.end = Some(PeerEnd::Failed(EnvoyError::shared_address(identity, &status.envoy)));
            return false;
        }
        self.error = None;
        if let Some(expected) = goal.filter(|_| round == self.round) {
            self.judge(kind, &status, expected, now);
        } else {
            self.troubled_since = None;
        }
        if kind != StatusKind::Full {
            return false;
        }
        self.first.get_or_insert_with(|| status.clone());
        self.status = Some(status);
        self.answered = now.time;
        true
    }

    /// Compares a status with the expected documents.
    fn judge(&mut self, kind: StatusKind, status: &EnvoyStatus, expected: &[ExpectedDocument], now: Moment) {
        match replaced(status, expected, now.time) {
            Ok(replaced) => {
                self.problem = None;
                self.troubled_since = None;
                match kind {
                    StatusKind::Probe => self.confirmed += 1,
                    _ => self.is_polled = true,
                }
                self.replaced.extend(replaced);
                if self.is_polled && self.confirmed >= PROBES {
                    self.end = Some(PeerEnd::Adopted);
                }
            }
            Err(problem) => {
                if kind == StatusKind::Full {
                    let sites = expected.iter().filter_map(|expected| status.site(&expected.site));
                    self.advice = sites.filter_map(missing_key).next();
                }
                let absent = expected.iter().find(|expected| status.site(&expected.site).is_none());
                self.absence = match (absent, kind) {
                    (None, _) => None,
                    (Some(absent), StatusKind::Full) => Some(lag::absent(status, &absent.site, lag::ADD_SITE).text()),
                    // A status without details knows fewer reasons.
                    (Some(_), _) => self.absence.take(),
                };
                self.begin_round();
                self.problem = Some(self.absence.clone().unwrap_or(problem));
                self.pause(now);
            }
        }
    }

    fn take_failed_status(&mut self, (round, kind): (u32, StatusKind), error: EnvoyError, now: Moment) {
        if kind == StatusKind::Probe {
            if round == 0 || round != self.round {
                return;
            }
            // One connection may fail by chance.
            self.misses += 1;
            if matches!(error, EnvoyError::Unreachable(_)) && self.misses <= MAX_MISSES {
                self.probes_sent = self.probes_sent.saturating_sub(1);
                return;
            }
        }
        self.wants_status |= self.status.is_none() || kind == StatusKind::Full;
        self.fail(error, now);
    }

    /// Notes a failed request. It is sent again, unless no later response could be better.
    fn fail(&mut self, error: EnvoyError, now: Moment) {
        let is_final = match &error {
            EnvoyError::Unreachable(_) => false,
            EnvoyError::Unexpected(_) => self.status.is_none(),
            EnvoyError::Rejected { .. } | EnvoyError::SharedAddress(_) => true,
        };
        if is_final {
            self.end = Some(PeerEnd::Failed(error.with_advice()));
            return;
        }
        self.begin_round();
        self.error = Some(error);
        self.pause(now);
    }

    /// Takes the response to a document.
    pub fn take_put(&mut self, document: &SignedDocument, result: Result<(), EnvoyError>, now: Moment) {
        self.is_busy = false;
        match result {
            Ok(()) => {
                self.error = None;
                self.troubled_since = None;
                let sites = self.status.iter_mut().flat_map(|status| &mut status.sites);
                for site in sites.filter(|site| site.site == document.site) {
                    site.digest = Some(document.digest.clone());
                    site.revision = document.revision;
                }
            }
            Err(error) if error.is_conflict() => {
                self.queue.clear();
                self.wants_status = true;
            }
            Err(error) => {
                // The outcome is unknown, so the status decides whether the document is sent again.
                self.queue.clear();
                self.wants_status = true;
                self.fail(error, now);
            }
        }
    }

    fn pause(&mut self, now: Moment) {
        let since = *self.troubled_since.get_or_insert(now.elapsed);
        let pause = (now.elapsed.saturating_sub(since) / 16).clamp(PAUSE.0, PAUSE.1);
        self.retry_at = now.elapsed + pause;
    }
}
