//! A reader of the status, and the invariant *Safe*.

use std::rc::Rc;

use super::shared::{ModelData, ModelDocument, ModelPolicy};
use super::vm::SITE;
use crate::members::{self, STUCK_AFTER, Vm, Workers};
use crate::time::Time;

/// A status that has said that all workers have adopted.
struct ModelClaim {
    document: ModelDocument,
    policy: Option<ModelPolicy>,
    began_at: usize,
    read_at: i64,
}

/// A status that is being read.
struct ModelStatus {
    document: ModelDocument,
    policy: Option<ModelPolicy>,
    began_at: usize,
    vms: Vec<Vm>,
    threads: Option<usize>,
    number: usize,
}

/// The document and the policy by which a worker decides a request.
#[derive(Debug)]
pub struct ModelDecision {
    pub policy: ModelPolicy,
    pub document: ModelDocument,
    /// The time of the last tick, at which the worker evaluated the document.
    pub ticked_at: i64,
    /// The step of the request that first showed that Envoy still uses the root context, if it was superseded.
    pub reactivated_at: Option<usize>,
    /// The newest update that the thread has received.
    pub received: usize,
}

/// The status, one hostcall at a time, and all of it that was complete.
#[derive(Default)]
pub struct ModelClaims {
    status: Option<ModelStatus>,
    claims: Vec<ModelClaim>,
    pub count: usize,
    /// A status that was complete and did not count every worker.
    pub partial: Option<Workers>,
}

impl ModelClaims {
    /// Makes one hostcall for a status.
    pub fn read(&mut self, shared: &ModelData, now: i64) -> Option<Workers> {
        let Some(mut status) = self.status.take() else {
            self.status = Some(ModelStatus {
                document: shared.wanted(),
                policy: shared.published,
                began_at: shared.step,
                vms: Vec::new(),
                threads: shared.threads,
                number: 0,
            });
            return None;
        };
        if let Some(value) = shared.vms.get(status.number) {
            status.vms.extend(value.vm.as_ref().map(|vm: &Rc<Vm>| Vm::clone(vm)));
            status.number += 1;
            self.status = Some(status);
            return None;
        }
        let ModelStatus { document, policy, began_at, vms, threads, .. } = status;
        let workers = members::workers("fleet", SITE, &document.label(), &vms, threads, Time(now));
        if workers.have_adopted() {
            self.count += 1;
            let counts_all = threads.is_none_or(|threads| workers.members >= threads - 1);
            self.partial = self.partial.or(Some(workers).filter(|_| !counts_all));
            self.claims.retain(|claim| claim.document != document || claim.policy != policy);
            self.claims.push(ModelClaim { document, policy, began_at, read_at: now });
        }
        Some(workers)
    }

    /// Reads a whole status while nothing else happens.
    pub fn read_all(&mut self, shared: &ModelData, now: i64) -> Workers {
        self.status = None;
        loop {
            if let Some(workers) = self.read(shared, now) {
                return workers;
            }
        }
    }

    /// *Safe*: no decision is older than a document that a status has called adopted.
    pub fn check(&self, decision: &ModelDecision) -> Result<(), String> {
        for claim in &self.claims {
            let ModelDecision { policy, document, reactivated_at, received, .. } = *decision;
            // That a listener still warms or drains shows only when it receives a request.
            let was_hidden = received > policy.issue && reactivated_at.is_some_and(|step| claim.began_at <= step);
            let is_new = match (claim.document, document) {
                (ModelDocument::Pushed(claimed), ModelDocument::Pushed(used)) => used >= claimed,
                (claimed, used) => used == claimed || Some(policy.issue) > claim.policy.map(|claimed| claimed.issue),
            };
            // The windows of a document begin and end, and a worker evaluates them on each tick.
            let is_current = decision.ticked_at > claim.read_at - STUCK_AFTER;
            let is_safe = was_hidden || (is_new && is_current);
            if !is_safe {
                return Err(format!(
                    "{decision:?}; {:?} of {:?} was adopted by all at step {}, time {}",
                    claim.document, claim.policy, claim.began_at, claim.read_at
                ));
            }
        }
        Ok(())
    }
}
