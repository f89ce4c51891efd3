//! A push to many Envoys, each on its own. Pure: time and responses come in, requests and finally the result go out.
//!
//! The first Envoy by name that has answered gets a new document first, and so decides between operators who change a site
//! at the same time. Then every Envoy gets the document, late ones as soon as they answer. If a late Envoy has a newer
//! document than the one on which the change is based, the change is repeated on that document.

use std::time::Duration;

use anyhow::{Result, bail};
use envoy_maintenance::protocol::ErrorCode;
use envoy_maintenance::time::Time;

use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::Course;
use crate::envoys::fleet::{Fleet, HEAD_START, WaitLimit};
use crate::envoys::peer::{EnvoyPeer, PeerEnd};
use crate::envoys::request::{EnvoyRequest, EnvoyResponse, Moment, PeerId, SignedDocument};
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::times::after;
use crate::write::push::plan::{Planner, declared};
use crate::write::push::site::{LateDocument, SitePush};

mod arbiter;
mod result;

/// The time for which a site that no Envoy has is looked for, after the first answer.
const SITE_AFTER: Duration = Duration::from_secs(1);
/// The number of attempts while other operators change the same sites.
const ATTEMPTS: usize = 8;

/// The settings of a push.
#[derive(Clone, Copy, Debug)]
pub struct PushOptions<'a> {
    /// The sites on the command line.
    pub named: &'a [String],
    pub wait: bool,
    pub dry_run: bool,
    pub deadline: Duration,
}

/// Selects the sites to change. Returns also the time that a question to the operator took.
pub type Choose<'a> = &'a dyn Fn(&Roll) -> Result<(Vec<String>, Duration)>;

/// A push.
pub struct PushFlow<'a> {
    fleet: Fleet,
    planner: Planner<'a>,
    choose: Choose<'a>,
    options: PushOptions<'a>,
    /// `None` until the change is planned.
    sites: Option<Vec<SitePush>>,
    /// True while the documents may be sent to every Envoy.
    is_released: bool,
    conflicts: usize,
    time: Time,
}

impl Course for PushFlow<'_> {
    fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    fn take(&mut self, response: EnvoyResponse, now: Moment) -> Result<()> {
        self.time = now.time;
        if let EnvoyResponse::Put { peer, document, result } = &response {
            self.take_put(*peer, document, result)?;
        }
        match self.fleet.take(response, now) {
            Some(peer) => self.learn(peer, now),
            None => Ok(()),
        }
    }

    fn requests(&mut self, now: Moment) -> Result<Vec<EnvoyRequest>> {
        self.time = now.time;
        if self.sites.is_none() {
            self.plan_if_ready(now)?;
        }
        if self.sites.is_some() && !self.options.dry_run {
            self.learn_of_successors();
            self.ask_arbiters(now)?;
            self.release();
        }
        Ok(self.fleet.requests(now))
    }

    fn is_over(&self, now: Moment) -> bool {
        self.sites.is_some() && self.options.dry_run || self.fleet.is_over(now)
    }
}

impl<'a> PushFlow<'a> {
    pub fn new(urls: &[String], planner: Planner<'a>, choose: Choose<'a>, options: PushOptions<'a>) -> PushFlow<'a> {
        let wait_limit = if options.wait { WaitLimit::Deadline } else { WaitLimit::LastResponse };
        PushFlow {
            fleet: Fleet::new(urls, None, wait_limit, options.deadline),
            planner,
            choose,
            options,
            sites: None,
            is_released: false,
            conflicts: 0,
            time: Time(0),
        }
    }

    /// Plans the change if enough Envoys have answered.
    fn plan_if_ready(&mut self, now: Moment) -> Result<()> {
        if let Some(shared) = self.fleet.shared_address() {
            bail!(ExitError::NotAdopted(format!("{}; nothing changed", shared.line())));
        }
        let known: Vec<&EnvoyPeer> = self.fleet.peers.iter().filter(|peer| peer.is_open() && peer.is_known()).collect();
        let is_settled = self.fleet.is_settled();
        let Some(first) = self.fleet.first_answer().filter(|_| !known.is_empty()) else {
            if now.elapsed >= SITE_AFTER && self.fleet.peers.iter().any(EnvoyPeer::is_rejected) {
                self.fleet.known().require_any("; nothing changed")?;
            }
            return Ok(());
        };
        let latest = self.options.deadline / 2;
        if !is_settled && now.elapsed < HEAD_START.max(2 * first).min(latest) {
            return Ok(());
        }
        let has = |name: &String| {
            known.iter().any(|peer| peer.status.as_ref().is_some_and(|status| status.site(name).is_some()))
        };
        if !is_settled && now.elapsed < (first + SITE_AFTER).min(latest) && !self.options.named.iter().all(has) {
            return Ok(());
        }
        let roll = self.fleet.known();
        let (names, question) = (self.choose)(&roll)?;
        let time = after(now.time, question);
        let own = Default::default();
        let sites = names.iter().map(|site| self.planner.plan(&roll, site, &own, true, time).map(SitePush::new));
        self.sites = Some(sites.collect::<Result<_>>()?);
        Ok(())
    }

    fn sites_mut(&mut self) -> &mut [SitePush] {
        self.sites.as_deref_mut().unwrap_or_default()
    }

    /// Notes the response of an Envoy to a document.
    fn take_put(&mut self, peer: PeerId, document: &SignedDocument, result: &Result<(), EnvoyError>) -> Result<()> {
        let is_conflict = result.as_ref().is_err_and(EnvoyError::is_conflict);
        let Some(site) = self.sites_mut().iter_mut().find(|site| site.name() == document.site) else { return Ok(()) };
        let is_current = site.plan.expected.as_ref().is_some_and(|expected| expected.digest == document.digest);
        let is_arbiter = is_current && site.arbiter.is_some_and(|(arbiter, _)| arbiter == peer);
        match result {
            Ok(()) => {
                site.is_accepted |= site.own.contain(Some(&document.digest));
                site.is_decided |= is_current;
            }
            Err(_) if is_arbiter && !is_conflict => {
                site.arbiter = None;
                site.tried.insert(peer);
            }
            Err(_) => {}
        }
        if let Err(EnvoyError::Rejected { code, .. }) = result
            && ErrorCode::parse(code) == Some(ErrorCode::Declared)
        {
            let error =
                EnvoyError::Rejected { code: code.clone(), detail: declared(&document.site, "the policy there") };
            self.fleet.end(peer, PeerEnd::Failed(error));
        }
        self.conflicts += usize::from(is_conflict && is_arbiter);
        if self.conflicts >= ATTEMPTS && !self.is_any_accepted() {
            let text = "other operators keep changing the same sites; see `maintctl status`, and try again";
            bail!(ExitError::Rejected(text.to_owned()));
        }
        Ok(())
    }

    fn is_any_accepted(&self) -> bool {
        self.sites.iter().flatten().any(|site| site.is_accepted)
    }

    /// Compares the documents of an Envoy with the plans.
    fn learn(&mut self, peer: PeerId, now: Moment) -> Result<()> {
        let Some(status) = self.fleet.peers.get(peer).and_then(|peer| peer.status.clone()) else { return Ok(()) };
        let count = self.sites.as_ref().map_or(0, Vec::len);
        for index in 0..count {
            let Some(site) = self.sites_mut().get_mut(index) else { continue };
            site.tried.remove(&peer);
            if site.arbiter.is_some_and(|(arbiter, _)| arbiter == peer) {
                site.arbiter = None;
            }
            let Some(current) = status.site(site.name()) else { continue };
            if current.is_declared() {
                let detail = declared(site.name(), "the policy there");
                let error = EnvoyError::Rejected { code: ErrorCode::Declared.name().to_owned(), detail };
                self.fleet.end(peer, PeerEnd::Failed(error));
                return Ok(());
            }
            let edits = match site.late(current) {
                LateDocument::Known if !site.needs_signature(&status) => continue,
                LateDocument::Known | LateDocument::Included => false,
                LateDocument::Successor => {
                    site.is_superseded = true;
                    false
                }
                LateDocument::Sibling => true,
            };
            self.replan(index, edits, now)?;
        }
        Ok(())
    }

    /// Plans a site again, on the newest document.
    fn replan(&mut self, index: usize, edits: bool, now: Moment) -> Result<()> {
        let roll = self.fleet.known();
        let Some(site) = self.sites.as_deref_mut().and_then(|sites| sites.get_mut(index)) else { return Ok(()) };
        let name = site.name().to_owned();
        let plan = self.planner.plan(&roll, &name, &site.own, edits, now.time)?;
        site.set_plan(plan, edits);
        if self.is_released {
            self.is_released = false;
            if edits {
                self.fleet.set_goal(None);
            }
            if !self.options.wait {
                self.fleet.peers.iter_mut().for_each(EnvoyPeer::begin_round);
            }
        }
        Ok(())
    }

    /// Requests the whole status of Envoys that have adopted a document which this push does not know.
    fn learn_of_successors(&mut self) {
        for peer in self.fleet.peers.iter_mut().filter(|peer| !peer.replaced.is_empty()) {
            if matches!(peer.end, None | Some(PeerEnd::Adopted)) {
                peer.begin_round();
                peer.wants_status = true;
            }
        }
    }

    /// Sends the documents to every Envoy that lacks them, when all sites are decided.
    fn release(&mut self) {
        let Some(sites) = &self.sites else { return };
        if !sites.iter().all(|site| site.is_decided) {
            return;
        }
        if !self.is_released {
            self.is_released = true;
            if self.options.wait {
                self.fleet.set_goal(Some(sites.iter().filter_map(|site| site.plan.expected.clone()).collect()));
            }
        }
        for peer in &mut self.fleet.peers {
            let Some(status) = peer.status.as_ref().filter(|_| peer.end.is_none() && peer.is_idle()) else { continue };
            let lacking: Vec<_> = sites.iter().filter_map(|site| site.lacking(status)).collect();
            if lacking.is_empty() && !self.options.wait {
                peer.end = Some(PeerEnd::Adopted);
            }
            peer.queue = lacking;
        }
    }
}

#[cfg(test)]
mod tests;
