//! One worker: all root contexts of a VM tick together.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use super::host::HostError;
use super::membership::Membership;
use super::root::Root;
use super::vms::Records;
use super::{documents, gauges, host, log_limit, register, roots, status};
use crate::fair::FairBudget;
use crate::members::Standing;
use crate::time::Time;

/// The interval of ticks, in milliseconds.
pub const TICK: u32 = 50;
/// The largest number of documents that a worker verifies in one tick, at about 0.3 ms each.
const SLICE: u32 = 50;
/// The number of times that one tick joins and reads the documents. Another VM can remove a record in between.
const TURNS: u32 = 3;

thread_local! {
    static WORKER: Worker = Worker::default();
}

/// The state of one VM that all its root contexts share.
#[derive(Default)]
pub struct Worker {
    membership: RefCell<Membership>,
    /// The generation at which documents were last read.
    generation: Cell<Option<u64>>,
    last_tick: Cell<Time>,
    signatures: RefCell<FairBudget>,
}

/// Calls `action` with the worker.
pub fn with<T>(action: impl FnOnce(&Worker) -> T) -> T {
    WORKER.with(action)
}

impl Worker {
    /// Starts the VM.
    pub fn start(&self) -> Result<(), HostError> {
        self.membership.borrow_mut().identify()
    }

    /// Adds a root context that Envoy has configured. It supersedes the older ones of its plugin in this VM.
    pub fn add(&self, root: &Rc<Root>) {
        let all = roots::all();
        for older in all.iter().filter(|older| older.plugin == root.plugin && !Rc::ptr_eq(older, root)) {
            older.set_standing(older.standing().after_tick(true, 0));
            forget_sites(older, &all);
        }
    }

    /// Removes a root context that Envoy has deleted.
    pub fn remove(&self, root: &Root) {
        if let Err(error) = self.try_remove(root) {
            log_limit::failure(&error);
        }
    }

    fn try_remove(&self, root: &Root) -> Result<(), HostError> {
        let roots = roots::all();
        let mut membership = self.membership.borrow_mut();
        if !membership.is_joined() {
            return Ok(());
        }
        if roots.is_empty() {
            membership.leave()?;
        } else {
            membership.write(&roots, None, host::now()?)?;
        }
        forget_sites(root, &roots);
        register::changed().map(drop)
    }

    /// Handles a new request: records its connection if it is watched. A root context that is not serving reads the newest
    /// documents before it decides, and is reactivated if it was superseded.
    pub fn request(&self, root: &Root) {
        if root.take_watch() {
            root.connection.set(connection_id());
            self.generation.set(None);
        }
        if root.standing() == Standing::Serving {
            return;
        }
        let before = root.standing();
        root.set_standing(before.after_request(root.superseded_for()));
        self.find_conflict(root);
        if before != Standing::Conflicting && root.standing() == Standing::Conflicting {
            log::error!(
                "two plugins have the name \"{}\" and different policies, and both receive requests; rename one of them",
                root.shown_name()
            );
        }
        self.tick(true);
    }

    /// Finds two plugins of one name in this VM. After an update, Envoy accepts no connections for the older root context
    /// once the newer one has received requests. Two plugins both receive requests on new connections. Root contexts in
    /// different VMs do not know each other's connections; [`Standing::after_request`] finds them later.
    fn find_conflict(&self, root: &Root) {
        if root.standing() != Standing::Reactivated {
            return;
        }
        let connection = connection_id();
        let all = roots::all();
        let newer = all.iter().rev().take_while(|newer| !std::ptr::eq(Rc::as_ptr(newer), root));
        for newer in newer.filter(|newer| newer.plugin == root.plugin) {
            match (connection, newer.connection.get()) {
                (Some(old), Some(new)) if old > new => root.set_standing(Standing::Conflicting),
                (_, None) => newer.watch(),
                _ => {}
            }
        }
    }

    /// Looks for changes, adopts documents, and writes the record of this VM. Envoy ticks each root context; one tick
    /// serves all of them. `at_once`: for a request, which verifies only the documents that it needs.
    pub fn tick(&self, at_once: bool) {
        if let Err(error) = self.try_tick(at_once) {
            // The next tick reads everything again.
            self.generation.set(None);
            log_limit::failure(&error);
        }
    }

    fn try_tick(&self, at_once: bool) -> Result<(), HostError> {
        let now = host::now()?;
        if !at_once && now.0.abs_diff(self.last_tick.get().0) < u64::from(TICK) / 2 {
            return Ok(());
        }
        self.last_tick.set(now);
        self.membership.borrow_mut().begin_tick(now);
        for _ in 0..TURNS {
            if self.turn(now, at_once)? {
                break;
            }
            self.generation.set(None);
        }
        Ok(())
    }

    /// Joins, reads, and writes. This order matters: a root context is a member before it reads documents, so a document
    /// that comes later is not called adopted without it. False if the record was lost.
    fn turn(&self, now: Time, at_once: bool) -> Result<bool, HostError> {
        let mut membership = self.membership.borrow_mut();
        membership.join(now)?;
        let roots = roots::all();
        if membership.is_survey_due(&roots, now) {
            let standings = |roots: &[Rc<Root>]| roots.iter().map(|root| root.standing()).collect::<Vec<_>>();
            let before = standings(&roots);
            if membership.survey(&roots, now)? && !membership.write(&roots, None, now)? {
                return Ok(false);
            }
            if before != standings(&roots) {
                self.generation.set(None);
            }
        }
        let generation = register::generation()?;
        membership.note_generation(generation, now);
        let changed = self.generation.replace(Some(generation)) != Some(generation);
        let mut remaining = if at_once { 0 } else { SLICE };
        let mut may_differ = changed;
        for root in &roots {
            may_differ |= root.refresh(now, generation, changed, &mut remaining)?;
        }
        status::prepare(&roots, generation, &mut remaining)?;
        if !membership.write(&roots, Some(generation), now)? {
            return Ok(false);
        }
        if may_differ && !roots.iter().any(|root| root.is_behind()) {
            gauges::publish(&roots, &Records::read(now)?);
        }
        Ok(true)
    }

    /// The budget for checking signatures that clients send.
    pub fn signatures(&self) -> RefMut<'_, FairBudget> {
        self.signatures.borrow_mut()
    }
}

/// The number of the connection of the current request. Later connections have greater numbers.
fn connection_id() -> Option<u64> {
    let bytes = host::property(&["connection", "id"]).ok()??;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Forgets the documents and resets the gauges of sites that no other root context has.
fn forget_sites(gone: &Root, roots: &[Rc<Root>]) {
    let sites = roots.iter().flat_map(|root| root.policy.sites.iter().map(|site| (root.fleet(), site.name.as_str())));
    documents::keep(sites);
    gauges::reset(gone, roots);
}
