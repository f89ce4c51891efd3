//! One VM of the simulation. It does what `filter` does, one hostcall at a time.

use std::rc::Rc;

use super::shared::{ModelData, ModelDocument, ModelPolicy};
use crate::members::{self, GAP, HEARTBEAT, RootRecord, Standing, Vm};
use crate::time::Time;

pub const SITE: &str = "shop";
pub const DATA: &str = "data";
pub const CONTROL: &str = "control";

pub struct ModelRoot {
    pub id: u64,
    /// None: the control endpoint, which has no sites.
    pub policy: Option<ModelPolicy>,
    pub standing: Standing,
    configured: u64,
    /// The newest pushed document that the root context has read.
    pub pushed: u64,
    pub has_stream: bool,
    /// The step at which it first showed, after it was superseded, that Envoy still uses it.
    pub reactivated_at: Option<usize>,
    newest_since: Option<i64>,
}

impl ModelRoot {
    pub fn new(id: u64, policy: Option<ModelPolicy>) -> ModelRoot {
        ModelRoot {
            id,
            policy,
            standing: Standing::Fresh,
            configured: 0,
            pushed: 0,
            has_stream: false,
            reactivated_at: None,
            newest_since: None,
        }
    }

    fn plugin(&self) -> &'static str {
        if self.policy.is_some() { DATA } else { CONTROL }
    }

    pub fn document(&self) -> ModelDocument {
        self.policy.and_then(ModelPolicy::declared).unwrap_or(ModelDocument::Pushed(self.pushed))
    }

    fn record(&self) -> RootRecord {
        let document = if self.standing == Standing::Fresh { "?".to_owned() } else { self.document().label() };
        let site = self.policy.map(|_| (SITE.to_owned(), document));
        RootRecord {
            plugin: self.plugin().to_owned(),
            fleet: "fleet".to_owned(),
            configured: self.configured,
            standing: self.standing,
            adopted: site.into_iter().collect(),
        }
    }
}

/// The next hostcall of a tick.
#[derive(Debug)]
pub enum NextCall {
    Join,
    Create,
    Survey(Vec<(usize, u32, Rc<Vm>)>, usize),
    Count,
    ReadGeneration,
    ReadDocuments(u64),
    Write(u64),
    Done,
}

pub struct ModelVm {
    pub identity: usize,
    pub roots: Vec<ModelRoot>,
    key: Option<(usize, u32)>,
    joined: u64,
    seen: u64,
    heartbeat: i64,
    awake_since: i64,
    pub last_tick: Option<i64>,
    changed_at: i64,
    written: Vec<RootRecord>,
    version: u64,
    now: i64,
}

impl ModelVm {
    pub fn new(identity: usize) -> ModelVm {
        ModelVm {
            identity,
            roots: Vec::new(),
            key: None,
            joined: 0,
            seen: 0,
            heartbeat: 0,
            awake_since: 0,
            last_tick: None,
            changed_at: 0,
            written: Vec::new(),
            version: 0,
            now: 0,
        }
    }

    pub fn has_joined(&self) -> bool {
        self.key.is_some()
    }

    fn name(&self) -> String {
        format!("vm-{}", self.identity)
    }

    fn record(&mut self) -> Rc<Vm> {
        let roots: Vec<RootRecord> =
            self.roots.iter().filter(|root| root.standing.is_member()).map(ModelRoot::record).collect();
        if roots != self.written {
            self.written.clone_from(&roots);
            self.version += 1;
        }
        Rc::new(Vm {
            identity: self.name(),
            joined: self.joined,
            seen: self.seen,
            heartbeat: Time(self.heartbeat),
            awake_since: Time(self.awake_since),
            version: self.version,
            roots: roots.into(),
        })
    }

    /// Adds a root context that Envoy has configured.
    pub fn add(&mut self, root: ModelRoot) {
        for older in self.roots.iter_mut().filter(|older| older.plugin() == root.plugin()) {
            if older.standing == Standing::Serving {
                older.reactivated_at = None;
            }
            older.standing = older.standing.after_tick(true, 0);
        }
        self.roots.push(root);
    }

    /// Removes a root context that Envoy has deleted, and the record with the last one. True if the VM is gone.
    pub fn remove(&mut self, id: u64, shared: &mut ModelData) -> bool {
        self.roots.retain(|root| root.id != id);
        if let Some((number, cas)) = self.key {
            let record = if self.roots.is_empty() { None } else { Some(self.record()) };
            self.key = shared.write(number, cas, record).map(|cas| (number, cas));
            shared.bump();
        }
        self.roots.is_empty()
    }

    pub fn begin_tick(&mut self, now: i64) -> NextCall {
        self.now = now;
        if self.last_tick.is_none_or(|last| now - last >= GAP) {
            self.awake_since = now;
        }
        self.last_tick = Some(now);
        NextCall::Join
    }

    /// Makes one hostcall.
    pub fn step(&mut self, next: NextCall, shared: &mut ModelData) -> NextCall {
        match next {
            NextCall::Join if self.key.is_some() => self.survey_if_due(shared),
            NextCall::Join => {
                self.joined = shared.bump();
                self.seen = self.joined;
                self.heartbeat = self.now;
                NextCall::Create
            }
            NextCall::Create => {
                let record = self.record();
                self.key = Some(shared.create(record));
                NextCall::Survey(Vec::new(), 0)
            }
            NextCall::Survey(mut read, number) => match shared.vms.get(number) {
                Some(value) => {
                    read.extend(value.vm.clone().map(|vm| (number, value.cas, vm)));
                    NextCall::Survey(read, number + 1)
                }
                None => self.judge(&read, shared),
            },
            NextCall::Count => self.write(NextCall::ReadGeneration, shared),
            NextCall::ReadGeneration => NextCall::ReadDocuments(shared.generation),
            NextCall::ReadDocuments(generation) => {
                if generation != self.seen {
                    self.changed_at = self.now;
                }
                self.roots.iter_mut().for_each(|root| root.pushed = shared.pushed);
                NextCall::Write(generation)
            }
            NextCall::Write(generation) => {
                let before = (self.seen, self.heartbeat, self.version);
                self.seen = generation;
                if self.now - self.heartbeat >= HEARTBEAT {
                    self.heartbeat = self.now;
                }
                let _ = self.record();
                if before == (self.seen, self.heartbeat, self.version) {
                    return NextCall::Done;
                }
                self.write(NextCall::Done, shared)
            }
            NextCall::Done => NextCall::Done,
        }
    }

    /// Writes the record; a VM whose record another VM has removed joins again.
    fn write(&mut self, next: NextCall, shared: &mut ModelData) -> NextCall {
        let record = self.record();
        self.key = self.key.and_then(|(number, cas)| Some((number, shared.write(number, cas, Some(record))?)));
        if self.key.is_some() { next } else { NextCall::Join }
    }

    fn survey_if_due(&mut self, shared: &ModelData) -> NextCall {
        let is_due = shared.threads.is_none()
            || self.now - self.heartbeat >= HEARTBEAT
            || self.now - self.changed_at < HEARTBEAT
            || self.roots.iter().any(|root| root.standing != Standing::Serving);
        if is_due { NextCall::Survey(Vec::new(), 0) } else { NextCall::ReadGeneration }
    }

    /// Decides from the records.
    fn judge(&mut self, read: &[(usize, u32, Rc<Vm>)], shared: &mut ModelData) -> NextCall {
        let vms: Vec<Vm> = read.iter().map(|(_, _, vm)| Vm::clone(vm)).collect();
        shared.threads = shared.threads.max(members::threads(shared.threads, &vms, Time(self.now)));
        for (number, cas, vm) in read {
            if members::is_dead(vm, &vms, shared.threads) && shared.write(*number, *cas, None).is_some() {
                shared.bump();
            }
        }
        let name = self.name();
        let plugins: Vec<&str> = self.roots.iter().map(ModelRoot::plugin).collect();
        let mut is_counted_anew = false;
        for (index, root) in self.roots.iter_mut().enumerate() {
            let was = root.standing;
            let has_newer = plugins.get(index + 1..).is_some_and(|newer| newer.contains(&root.plugin()));
            let elsewhere = was != Standing::Fresh
                && members::is_superseded(&name, root.plugin(), root.configured, &vms, shared.threads);
            let is_superseded = has_newer || elsewhere;
            root.newest_since = root.newest_since.or(Some(self.now)).filter(|_| !is_superseded);
            root.standing = was.after_tick(is_superseded, root.newest_since.map_or(0, |since| self.now - since));
            is_counted_anew |= was.reads_first() && !root.standing.reads_first();
            match (was, root.standing) {
                (Standing::Superseded, Standing::Serving) => root.reactivated_at = Some(shared.step),
                (Standing::Serving, Standing::Superseded) => root.reactivated_at = None,
                _ => {}
            }
            if root.configured == 0 {
                root.configured = shared.bump();
            }
            if root.standing == Standing::Serving && members::is_newest(root.plugin(), root.configured, &vms) {
                shared.published = root.policy.or(shared.published);
            }
        }
        if is_counted_anew { NextCall::Count } else { NextCall::ReadGeneration }
    }
}
