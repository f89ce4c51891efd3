//! One thread of Envoy: all policies that stand on it tick together, adopt together, and answer for it as one member.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use super::host::HostError;
use super::members::Members;
use super::root::Root;
use super::{documents, host, log_limit, register, roots};
use crate::fair::FairBudget;
use crate::time::Time;

/// How often a worker looks for changes, in milliseconds.
pub const TICK: u32 = 50;
/// How often it says that it is alive, in milliseconds.
const HEARTBEAT: i64 = 1000;
/// Documents that a worker verifies a tick: some 0.3 ms each.
const SLICE: u32 = 50;

thread_local! {
    static WORKER: Worker = Worker::default();
}

/// The state of one thread. One VM runs one thread, and shares nothing with others but what the host shares.
#[derive(Default)]
pub struct Worker {
    id: RefCell<String>,
    build: RefCell<String>,
    joined: Cell<bool>,
    /// Since when this VM looks for one that has trapped, to take its place.
    stands_in_since: Cell<Option<Time>>,
    has_replaced: Cell<bool>,
    /// When a root has gone, and nobody has come for it.
    left_at: Cell<Option<Time>>,
    generation: Cell<Option<u64>>,
    last_tick: Cell<i64>,
    last_heartbeat: Cell<i64>,
    adopted: RefCell<String>,
    signatures: RefCell<FairBudget>,
}

/// Does something with this thread's state.
pub fn with<T>(action: impl FnOnce(&Worker) -> T) -> T {
    WORKER.with(action)
}

impl Worker {
    /// Learns which VM this is: the build of the module and the VM's configuration. Envoy says so for every plugin that
    /// it puts into the VM; the first time counts.
    pub fn start(&self) -> Result<(), HostError> {
        let vm_configuration = host::vm_configuration()?;
        if !self.id.borrow().is_empty() {
            return Ok(());
        }
        let build = option_env!("MAINTENANCE_BUILD").unwrap_or(env!("CARGO_PKG_VERSION"));
        let digest = crate::state::Digest::of(&vm_configuration).to_string();
        *self.build.borrow_mut() = format!("{build}-{}", digest.get(..8).unwrap_or_default());
        *self.id.borrow_mut() = format!("{:016x}", host::random()?);
        Ok(())
    }

    /// The build of this VM.
    pub fn build(&self) -> String {
        self.build.borrow().clone()
    }

    /// Takes in a root that has been configured. An earlier one of the same slot lives on for its streams only, as far as
    /// can be known by now.
    pub fn add(&self, root: &Rc<Root>) {
        let all = roots::all();
        for known in all.iter().filter(|known| known.slot == root.slot) {
            if !Rc::ptr_eq(known, root) {
                known.retire();
            }
            forget_sites(known, &all);
        }
    }

    /// Counts a root again that a later one had retired: Envoy has refused the update, taken it back, or not yet put it
    /// to work.
    pub fn resume(&self, root: &Root) {
        root.resume(!self.has_current(&root.slot));
        self.generation.set(None);
    }

    /// Counts what was left behind where Envoy took an update back, once another build of the module has had the time to
    /// take the slot.
    fn resume_what_is_left(&self, now: Time) -> Result<(), HostError> {
        if self.left_at.get().is_none_or(|left| now.0.saturating_sub(left.0) < register::SILENCE) {
            return Ok(());
        }
        self.left_at.set(None);
        for root in roots::all().iter().rev() {
            if !self.has_current(&root.slot) && register::has_slot(&root.slot, &self.build.borrow())? {
                self.resume(root);
            }
        }
        Ok(())
    }

    /// Lets a root go, which may live on for its streams. With its last one the VM is a member no more.
    pub fn remove(&self, root: &Root) {
        if let Err(error) = self.try_remove(root) {
            log_limit::failure(&error);
        }
    }

    fn try_remove(&self, root: &Root) -> Result<(), HostError> {
        if !root.is_retired() {
            root.retire();
            let now = host::now()?;
            register::leave_slot(&root.slot, now)?;
            self.left_at.set(Some(now));
        }
        let roots = roots::all();
        if !self.joined.get() {
            return Ok(());
        }
        if roots.iter().all(|root| root.is_retired()) {
            self.joined.set(false);
            register::remove_line("instances", &self.line())?;
        } else {
            self.announce(&roots)?;
        }
        forget_sites(root, &roots);
        register::changed()
    }

    /// Whether there is a root of this slot that counts.
    fn has_current(&self, slot: &str) -> bool {
        roots::all().iter().any(|known| known.slot == slot && !known.is_retired())
    }

    fn line(&self) -> String {
        format!("{} {}", self.id.borrow(), self.build.borrow())
    }

    /// Looks for changes, adopts them, and says so. Every root of the thread ticks; one look serves all.
    pub fn tick(&self, at_once: bool) {
        if let Err(error) = self.try_tick(at_once) {
            // The next tick reads and writes everything again.
            self.generation.set(None);
            self.last_heartbeat.set(0);
            log_limit::failure(&error);
        }
    }

    fn try_tick(&self, at_once: bool) -> Result<(), HostError> {
        let now = host::now()?;
        if !at_once && now.0.saturating_sub(self.last_tick.get()).unsigned_abs() < u64::from(TICK) / 2 {
            return Ok(());
        }
        self.last_tick.set(now.0);
        self.join(now)?;
        self.resume_what_is_left(now)?;
        let roots = roots::all();
        let fresh = roots.iter().any(|root| root.is_fresh());
        if fresh {
            // It counts before it reads what holds, or a document that came in between would be adopted by all but it.
            self.announce(&roots)?;
        }
        let generation = register::generation()?;
        let changed = self.generation.replace(Some(generation)) != Some(generation);
        if changed || fresh {
            let build = self.build();
            roots.iter().try_for_each(|root| root.follow(&build))?;
        }
        // A request verifies only what it asks for.
        let mut left = if at_once { 0 } else { SLICE };
        let mut moved = false;
        for root in &roots {
            moved |= root.refresh(now, generation, changed, &mut left)?;
        }
        super::status::prepare(&roots, now, generation, &mut left)?;
        if changed || fresh || moved {
            self.acknowledge(&roots, now)?;
        }
        Ok(())
    }

    /// Counts this VM among the members before it reads what they must adopt.
    fn join(&self, now: Time) -> Result<(), HostError> {
        if now.0.saturating_sub(self.last_heartbeat.get()).unsigned_abs() < HEARTBEAT.unsigned_abs()
            && self.joined.get()
        {
            return Ok(());
        }
        self.last_heartbeat.set(now.0);
        let id = self.id.borrow().clone();
        host::set_shared(&format!("alive/{id}"), now.0.to_string().as_bytes(), None)?;
        let is_new = !self.joined.replace(true);
        let is_added = register::add_line("instances", &self.line())?;
        // One that had been taken for dead while it was stuck looks for the dead one, as its successor did.
        let is_late = (is_new && register::is_late(&self.build.borrow(), now)?) || (!is_new && is_added);
        if is_late {
            self.stands_in_since.set(Some(now));
            self.has_replaced.set(false);
            register::add_missing(&self.build.borrow(), 1)?;
        }
        if is_added {
            host::set_shared(&format!("instance/{id}"), self.adopted.borrow().as_bytes(), None)?;
            register::changed()?;
        }
        self.stand_in(now)
    }

    /// Takes the place of a VM that has trapped: nobody tells such a one to leave, and Envoy makes another one at the next
    /// request of its worker. That one comes late for its build, and a VM of its build falls silent.
    fn stand_in(&self, now: Time) -> Result<(), HostError> {
        let Some(since) = self.stands_in_since.get() else { return Ok(()) };
        let build = self.build.borrow();
        while register::missing(&build)? > 0
            && let Some(line) = register::silent(&build, now)?
        {
            register::add_missing(&build, -1)?;
            register::remove_line("instances", &line)?;
            register::changed()?;
            self.has_replaced.set(true);
        }
        if now.0.saturating_sub(since.0) > 2 * register::SILENCE {
            self.stands_in_since.set(None);
            if !self.has_replaced.get() {
                // It has taken nobody's place, as where a plugin comes back.
                register::add_missing(&build, -1)?;
            }
        }
        Ok(())
    }

    fn acknowledge(&self, roots: &[Rc<Root>], now: Time) -> Result<(), HostError> {
        self.announce(roots)?;
        if !roots.iter().any(|root| root.is_behind()) {
            super::stats::publish(roots, &Members::now(now)?);
        }
        Ok(())
    }

    /// Says what runs here and what it has adopted, where that is something else than what was said before.
    fn announce(&self, roots: &[Rc<Root>]) -> Result<(), HostError> {
        let mut adopted = String::new();
        roots.iter().filter(|root| !root.is_retired()).for_each(|root| root.acknowledge(&mut adopted));
        if *self.adopted.borrow() != adopted {
            let key = format!("instance/{}", self.id.borrow());
            host::set_shared(&key, adopted.as_bytes(), None)?;
            let before = self.adopted.replace(adopted);
            if register::slots_of(&before).ne(register::slots_of(&self.adopted.borrow())) {
                register::changed()?;
            }
        }
        Ok(())
    }

    /// The signatures that strangers may make this worker check.
    pub fn signatures(&self) -> RefMut<'_, FairBudget> {
        self.signatures.borrow_mut()
    }
}

/// Forgets what only a retired policy needed: documents and gauges of sites that no other policy has.
fn forget_sites(gone: &Root, roots: &[Rc<Root>]) {
    let keys = |root: &Rc<Root>| {
        let sites = root.policy.sites.iter();
        sites.map(|site| register::site_key(root.fleet(), &site.name)).collect::<Vec<String>>()
    };
    documents::keep(&roots.iter().flat_map(keys).collect());
    let live = roots.iter().filter(|root| !root.is_retired()).flat_map(|root| &root.policy.sites);
    let live: crate::byte_index::ByteIndex = live.map(|site| &site.name).collect();
    for site in gone.policy.sites.iter().filter(|site| gone.is_retired() && !live.contains(site.name.as_bytes())) {
        super::stats::forget(&site.name);
    }
}
