//! An Envoy of the simulation: its threads, the updates on their way to them, and requests.

use super::claims::{ModelClaims, ModelDecision};
use super::shared::{ModelData, ModelPolicy};
use super::thread::{ModelEvent, ModelPlace, ModelThread};
use super::vm::{ModelRoot, ModelVm, NextCall};
use crate::members::{Standing, Workers};

const TICK: i64 = 50;

pub struct ModelEnvoy {
    pub now: i64,
    pub shared: ModelData,
    pub threads: Vec<ModelThread>,
    has_control: bool,
    next_root: u64,
    next_issue: usize,
    pub unbumped: bool,
    pub claims: ModelClaims,
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
            claims: ModelClaims::default(),
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
        if let ModelEvent::Apply(policy) | ModelEvent::Warm(policy) = event {
            self.threads[thread].received = policy.issue;
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

    /// Opens a stream on a worker, which has received its request. The main thread has no streams.
    pub fn open_stream(&mut self, thread: usize) {
        if thread > 0
            && let Some((_, place)) = self.threads[thread].serving
            && let Some(root) = self.threads[thread].root(place)
        {
            root.has_stream = root.standing != Standing::Fresh;
        }
    }

    pub fn end_streams(&mut self, thread: usize) {
        self.end_streams_where(thread, |_| true);
    }

    /// Ends the streams of a thread except those of root contexts that newer ones have superseded.
    pub fn end_current_streams(&mut self, thread: usize) {
        let serving = self.threads[thread].serving.map(|(_, (_, id))| id);
        self.end_streams_where(thread, |root| root.standing == Standing::Reactivated || Some(root.id) >= serving);
    }

    fn end_streams_where(&mut self, thread: usize, is_over: impl Fn(&ModelRoot) -> bool) {
        let mut ended = Vec::new();
        for vm in &mut self.threads[thread].vms {
            for root in vm.roots.iter_mut().filter(|root| is_over(root)) {
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
        root.standing = was.after_request(0);
        if was == Standing::Superseded {
            root.reactivated_at = root.reactivated_at.or(Some(step));
        }
        if was.reads_first() {
            let now = self.now;
            let next = self.vm(thread, place.0).begin_tick(now);
            self.threads[thread].job = Some((place.0, next));
            self.finish(thread);
        }
        let received = self.threads[thread].received;
        let ticked_at = self.vm(thread, place.0).last_tick.unwrap_or(0);
        let Some(root) = self.threads[thread].root(place) else { return Ok(()) };
        let (document, reactivated_at) = (root.document(), root.reactivated_at);
        self.claims.check(&ModelDecision { policy, document, ticked_at, reactivated_at, received })
    }

    /// Ends the pause of a worker, which then decides a request before it does anything else.
    pub fn wake(&mut self, thread: usize, to_old: bool) -> Result<(), String> {
        self.threads[thread].paused_until = self.now;
        self.request(thread, to_old)
    }

    /// Lets a thread do all of one tick.
    pub fn tick(&mut self, thread: usize) {
        if self.is_idle(thread) && self.begin_tick(thread) {
            self.finish(thread);
        }
    }

    /// Makes one hostcall for a status.
    pub fn read_status(&mut self) {
        self.claims.read(&self.shared, self.now);
    }

    /// Reads a whole status while nothing else happens.
    pub fn status(&mut self) -> Workers {
        self.claims.read_all(&self.shared, self.now)
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
