//! An Envoy of the simulation: its threads, the updates on their way to them, a reader of the status, and the invariant
//! *Safe*.

use std::collections::VecDeque;
use std::rc::Rc;

use super::shared::{ModelData, ModelDocument, ModelPolicy};
use super::vm::{ModelRoot, ModelVm, NextCall, SITE};
use crate::members::{self, Standing, Vm, Workers};
use crate::time::Time;

const TICK: i64 = 50;

/// A change of the configuration, on its way to one thread.
#[derive(Clone, Copy, Debug)]
pub enum ModelEvent {
    /// ECDS: the policy replaces the one before at once.
    Apply(ModelPolicy),
    /// LDS: the policy is configured, and the listener before goes on.
    Warm(ModelPolicy),
    /// The warm listener replaces the one before, which drains.
    Switch,
    /// The warm listener is deleted.
    Refuse,
    /// The draining listeners are deleted.
    EndDrain,
}

/// The identity and the number of a root context.
type ModelPlace = (usize, u64);

#[derive(Default)]
pub struct ModelThread {
    pub vms: Vec<ModelVm>,
    serving: Option<(ModelPolicy, ModelPlace)>,
    warm: Option<(ModelPolicy, ModelPlace)>,
    draining: Vec<(ModelPolicy, ModelPlace)>,
    pub events: VecDeque<ModelEvent>,
    job: Option<(usize, NextCall)>,
    pub paused_until: i64,
}

impl ModelThread {
    fn root(&mut self, (identity, id): ModelPlace) -> Option<&mut ModelRoot> {
        let vm = self.vms.iter_mut().find(|vm| vm.identity == identity)?;
        vm.roots.iter_mut().find(|root| root.id == id)
    }

    fn has_joined(&self) -> bool {
        !self.vms.is_empty() && self.vms.iter().all(ModelVm::has_joined)
    }
}

/// A status that has said that all workers have adopted.
struct ModelClaim {
    document: ModelDocument,
    issue: usize,
    began_at: usize,
}

/// A status that is being read.
struct ModelStatus {
    document: ModelDocument,
    issue: usize,
    began_at: usize,
    vms: Vec<Vm>,
    threads: Option<usize>,
    number: usize,
}

pub struct ModelEnvoy {
    pub now: i64,
    pub shared: ModelData,
    pub threads: Vec<ModelThread>,
    has_control: bool,
    next_root: u64,
    next_issue: usize,
    pub unbumped: bool,
    status: Option<ModelStatus>,
    claims: Vec<ModelClaim>,
    pub claimed: usize,
}

impl ModelEnvoy {
    pub fn new(threads: usize, has_control: bool) -> ModelEnvoy {
        let mut envoy = ModelEnvoy {
            now: 1_000_000,
            shared: ModelData::default(),
            threads: (0..threads).map(|_| ModelThread::default()).collect(),
            has_control,
            next_root: 0,
            next_issue: 0,
            unbumped: false,
            status: None,
            claims: Vec::new(),
            claimed: 0,
        };
        envoy.update(0, 0, false);
        envoy
    }

    pub fn has_started(&self) -> bool {
        self.threads.iter().all(ModelThread::has_joined)
    }

    /// Brings a policy. The main thread is the first; it passes changes on to the workers.
    pub fn update(&mut self, content: usize, identity: usize, warms: bool) {
        let policy = ModelPolicy { issue: self.next_issue, content, identity };
        self.next_issue += 1;
        self.tell(ModelEvent::Refuse);
        self.tell(if warms { ModelEvent::Warm(policy) } else { ModelEvent::Apply(policy) });
    }

    pub fn tell(&mut self, event: ModelEvent) {
        self.threads.iter_mut().take(1).for_each(|main| main.events.push_back(event));
    }

    fn is_idle(&self, thread: usize) -> bool {
        self.threads[thread].job.is_none() && self.threads[thread].paused_until <= self.now
    }

    /// Lets a thread do the next thing: a hostcall of its tick, a change of the configuration, or the start of a tick.
    /// False if there is nothing to do.
    pub fn run(&mut self, thread: usize, prefers_events: bool) -> bool {
        if self.threads[thread].paused_until > self.now {
            return false;
        }
        if self.threads[thread].job.is_some() {
            self.hostcall(thread);
            return true;
        }
        (prefers_events && self.deliver(thread)) || self.begin_tick(thread) || self.deliver(thread)
    }

    fn begin_tick(&mut self, thread: usize) -> bool {
        let now = self.now;
        let due = self.threads[thread]
            .vms
            .iter_mut()
            .filter(|vm| vm.last_tick.is_none_or(|last| now - last >= TICK))
            .min_by_key(|vm| vm.last_tick);
        let Some(vm) = due else { return false };
        let job = (vm.identity, vm.begin_tick(now));
        self.threads[thread].job = Some(job);
        true
    }

    fn hostcall(&mut self, thread: usize) {
        let Some((identity, next)) = self.threads[thread].job.take() else { return };
        let shared = &mut self.shared;
        let Some(vm) = self.threads[thread].vms.iter_mut().find(|vm| vm.identity == identity) else { return };
        match vm.step(next, shared) {
            NextCall::Done => {}
            next => self.threads[thread].job = Some((identity, next)),
        }
    }

    fn finish(&mut self, thread: usize) {
        while self.threads[thread].job.is_some() {
            self.hostcall(thread);
        }
    }

    /// Delivers one change to a thread.
    fn deliver(&mut self, thread: usize) -> bool {
        let Some(event) = self.threads[thread].events.pop_front() else { return false };
        if thread == 0 {
            self.threads.iter_mut().skip(1).for_each(|worker| worker.events.push_back(event));
        }
        match event {
            ModelEvent::Apply(policy) => {
                let place = self.configure(thread, policy);
                let before = self.threads[thread].serving.replace((policy, place));
                self.delete(thread, before.into_iter().collect());
            }
            ModelEvent::Warm(policy) => {
                let place = self.configure(thread, policy);
                self.threads[thread].warm = Some((policy, place));
            }
            ModelEvent::Switch => {
                if let Some(warm) = self.threads[thread].warm.take() {
                    let before = self.threads[thread].serving.replace(warm);
                    self.threads[thread].draining.extend(before);
                }
            }
            ModelEvent::Refuse => {
                let warm = self.threads[thread].warm.take();
                self.delete(thread, warm.into_iter().collect());
            }
            ModelEvent::EndDrain => {
                let draining = std::mem::take(&mut self.threads[thread].draining);
                self.delete(thread, draining);
            }
        }
        true
    }

    /// Configures a policy on a thread. A root context of the same policy that still exists is used again.
    fn configure(&mut self, thread: usize, policy: ModelPolicy) -> ModelPlace {
        let vm = self.vm(thread, policy.identity);
        let known = vm.roots.iter_mut().find(|root| root.policy.is_some_and(|known| known.content == policy.content));
        if let Some(known) = known {
            known.policy = Some(policy);
            return (policy.identity, known.id);
        }
        self.next_root += 1;
        let id = self.next_root;
        self.vm(thread, policy.identity).add(ModelRoot::new(id, Some(policy)));
        (policy.identity, id)
    }

    fn vm(&mut self, thread: usize, identity: usize) -> &mut ModelVm {
        let vms = &mut self.threads[thread].vms;
        let known = vms.iter().position(|vm| vm.identity == identity);
        let index = known.unwrap_or_else(|| {
            let mut vm = ModelVm::new(identity);
            if identity == 0 && self.has_control {
                self.next_root += 1;
                vm.add(ModelRoot::new(self.next_root, None));
            }
            vms.push(vm);
            vms.len() - 1
        });
        &mut vms[index]
    }

    /// Deletes root contexts that are in use no more and have no stream.
    fn delete(&mut self, thread: usize, places: Vec<(ModelPolicy, ModelPlace)>) {
        for (_, place) in places {
            let threads = &mut self.threads[thread];
            let in_use: Vec<ModelPlace> =
                threads.serving.iter().chain(&threads.warm).chain(&threads.draining).map(|(_, place)| *place).collect();
            let is_idle = threads.root(place).is_some_and(|root| !root.has_stream && root.policy.is_some());
            if is_idle && !in_use.contains(&place) {
                let shared = &mut self.shared;
                threads.vms.retain_mut(|vm| vm.identity != place.0 || !vm.remove(place.1, shared));
            }
        }
    }

    pub fn open_stream(&mut self, thread: usize) {
        if let Some((_, place)) = self.threads[thread].serving
            && let Some(root) = self.threads[thread].root(place)
        {
            root.has_stream = true;
        }
    }

    pub fn end_streams(&mut self, thread: usize) {
        let mut ended = Vec::new();
        for vm in &mut self.threads[thread].vms {
            for root in &mut vm.roots {
                let policy = root.policy.filter(|_| std::mem::take(&mut root.has_stream));
                ended.extend(policy.map(|policy| (policy, (vm.identity, root.id))));
            }
        }
        self.delete(thread, ended);
    }

    /// A VM of the thread traps: nothing of it runs any more, and its record stays.
    pub fn trap(&mut self, thread: usize) {
        if self.shared.threads == Some(self.threads.len())
            && self.is_idle(thread)
            && let Some((_, (identity, _))) = self.threads[thread].serving
            && thread > 0
        {
            self.threads[thread].vms.retain(|vm| vm.identity != identity);
            self.threads[thread].draining.retain(|(_, place)| place.0 != identity);
        }
    }

    /// A request on a worker; `to_old`: on a connection to a draining listener, where there is one.
    pub fn request(&mut self, thread: usize, to_old: bool) -> Result<(), String> {
        if !self.is_idle(thread) || thread == 0 {
            return Ok(());
        }
        let old = self.threads[thread].draining.first().copied().filter(|_| to_old);
        let Some((policy, mut place)) = old.or(self.threads[thread].serving) else { return Ok(()) };
        if self.threads[thread].root(place).is_none() {
            // Envoy has deleted the VM that trapped, and makes another one.
            place = self.configure(thread, policy);
            let step = self.shared.step;
            let threads = &mut self.threads[thread];
            threads.root(place).into_iter().for_each(|root| root.reactivated_at = Some(step));
            let uses = threads.serving.iter_mut().chain(&mut threads.draining);
            uses.filter(|(known, _)| known.issue == policy.issue).for_each(|(_, known)| *known = place);
        }
        let step = self.shared.step;
        let Some(root) = self.threads[thread].root(place) else { return Ok(()) };
        let was = root.standing;
        root.standing = was.after_request();
        if was == Standing::Superseded {
            root.reactivated_at = Some(step);
        }
        if was.reads_first() {
            let now = self.now;
            let next = self.vm(thread, place.0).begin_tick(now);
            self.threads[thread].job = Some((place.0, next));
            self.finish(thread);
        }
        let Some(root) = self.threads[thread].root(place) else { return Ok(()) };
        let (document, reactivated_at) = (root.document(), root.reactivated_at);
        self.check(thread, policy, document, reactivated_at)
    }

    /// *Safe*: no decision is older than a document that a status has called adopted.
    fn check(
        &self,
        thread: usize,
        policy: ModelPolicy,
        document: ModelDocument,
        reactivated_at: Option<usize>,
    ) -> Result<(), String> {
        for claim in &self.claims {
            // That a listener still warms or drains shows only when it receives a request.
            let was_hidden = reactivated_at.is_some_and(|step| claim.began_at <= step);
            let is_safe = match (claim.document, document) {
                (ModelDocument::Pushed(claimed), ModelDocument::Pushed(used)) => used >= claimed,
                (claimed, used) => used == claimed || policy.issue > claim.issue || was_hidden,
            };
            if !is_safe {
                return Err(format!(
                    "thread {thread} decides by {document:?} of {policy:?}; {:?} of update {} was adopted by all at step {}",
                    claim.document, claim.issue, claim.began_at
                ));
            }
        }
        Ok(())
    }

    /// Makes one hostcall for a status.
    pub fn read_status(&mut self) -> Option<Workers> {
        let Some(mut status) = self.status.take() else {
            self.status = Some(ModelStatus {
                document: self.shared.wanted(),
                issue: self.shared.published.map_or(0, |policy| policy.issue),
                began_at: self.shared.step,
                vms: Vec::new(),
                threads: self.shared.threads,
                number: 0,
            });
            return None;
        };
        if let Some(value) = self.shared.vms.get(status.number) {
            status.vms.extend(value.vm.as_ref().map(|vm: &Rc<Vm>| Vm::clone(vm)));
            status.number += 1;
            self.status = Some(status);
            return None;
        }
        let label = status.document.label();
        let workers = members::workers("fleet", SITE, &label, &status.vms, status.threads, Time(self.now));
        if workers.have_adopted() {
            self.claimed += 1;
            self.claims.retain(|claim| claim.document != status.document || claim.issue != status.issue);
            self.claims.push(ModelClaim { document: status.document, issue: status.issue, began_at: status.began_at });
        }
        Some(workers)
    }

    /// Reads a whole status while nothing else happens.
    pub fn status(&mut self) -> Workers {
        self.status = None;
        loop {
            if let Some(workers) = self.read_status() {
                return workers;
            }
        }
    }

    pub fn describe(&self) -> String {
        let records: Vec<String> =
            self.shared.vms.iter().filter_map(|value| value.vm.as_ref()).map(|vm| format!("\n  {vm:?}")).collect();
        format!(
            "now {} wanted {:?} threads {:?}{}",
            self.now,
            self.shared.wanted(),
            self.shared.threads,
            records.concat()
        )
    }
}
