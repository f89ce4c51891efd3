//! Membership: which workers run a plugin, and which of them have adopted a document.
//!
//! Envoy runs one VM of the filter per thread and *identity*. The threads are the workers and the main thread; the
//! identity consists of the build, the VM configuration and the environment variables. VMs share only shared data, so
//! each VM writes one [`Vm`] record there, and every VM derives the same answers from the records:
//!
//! ```text
//! records, time ── threads() ──────▶ the number of threads of this Envoy
//!               ── is_dead() ──────▶ records of VMs that no longer run, which are removed
//!               ── is_superseded() ▶ root contexts whose plugin runs in newer VMs
//!               ── workers() ──────▶ { members, adopted } of one site
//! ```
//!
//! **Generation.** A counter in shared data serves as a logical clock. A VM joins in two steps: it increments the
//! generation, and then it writes a record with the result in `joined`. Only then does it read documents and decide
//! requests, so a document that is pushed later finds the VM among the members, and a document that was pushed earlier
//! is read by the VM. On each tick (50 ms) a VM looks for a new generation and writes the one that it has seen.
//!
//! **Distinct threads.** A record whose `seen` is at least the newest `joined` of its identity belongs to a VM that was
//! alive after the newest VM had joined. No two such VMs share a thread, because a thread runs a second VM of an
//! identity only after the first one is gone. Their number is therefore never greater than the number of threads. It
//! becomes the known number of threads at a moment when no record is in doubt: see [`threads`].
//!
//! **Members.** Every root context in a record is a member, whether its VM ticks or not, unless it is
//! [superseded](Standing::Superseded). A superseded root context reads pushed documents before each decision, so it never
//! decides by an older one. A site is adopted when every member has adopted its document and every member's VM is alive.
//!
//! **Removal.** Envoy tells a VM when it deletes its root contexts, and the VM removes its record. A VM that traps
//! cannot. Its record is removed once every thread is known to be at work without it: see [`is_dead`]. While one worker
//! is stuck, nothing is removed, and the site counts as not adopted.
//!
//! The module is pure: `filter` reads and writes the records, and the simulation in `members/tests/` runs random
//! interleavings of them.

use std::rc::Rc;

use crate::byte_index::ByteMap;
use crate::time::Time;

mod record;
#[cfg(test)]
mod tests;

pub use record::{decode_body, decode_head, encode_head, encode_root, encode_site};

/// The interval at which a VM renews its record, in milliseconds.
pub const HEARTBEAT: i64 = 1000;
/// The age of a heartbeat from which a VM counts as stuck, in milliseconds.
const STUCK_AFTER: i64 = 3000;
/// The interval between two ticks from which a VM counts as interrupted, in milliseconds.
pub const GAP: i64 = 500;
/// The time within which all threads of an Envoy create their first VM, in milliseconds.
const SETTLE: i64 = 500;
/// The time without a heartbeat, on a thread that is at work, after which a VM is dead, in milliseconds. A VM that runs
/// writes a heartbeat within [`HEARTBEAT`] and [`GAP`].
const DEAD_AFTER: i64 = 2000;

/// The time after which a superseded root context serves again when the newer ones are gone, in milliseconds.
const RESUME: i64 = 1000;
/// The time after which a superseded root context receives no requests of an update, in milliseconds: Envoy drains an old
/// listener for 10 minutes by default.
const DRAINED: i64 = 15 * 60 * 1000;

/// The role of a root context among those of its plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is configured and has not read any document yet. A member that has adopted nothing.
    Fresh,
    /// It is the newest of its plugin, and a member.
    Serving,
    /// A newer one runs on every thread. Envoy keeps this one for its open streams. Not a member.
    Superseded,
    /// It was superseded, and Envoy still sends it new requests: Envoy has rejected the update or is still warming the
    /// new listener, or a connection to the old listener is draining. A member.
    Reactivated,
    /// It receives requests beside the newer one, on new connections or for longer than listeners drain: two plugins of one
    /// name. A member.
    Conflicting,
}

impl Standing {
    /// True if the root context is a member.
    pub fn is_member(self) -> bool {
        self != Standing::Superseded
    }

    /// True if the root context must read documents before each decision. Others read them on the tick.
    pub fn reads_first(self) -> bool {
        matches!(self, Standing::Fresh | Standing::Superseded)
    }

    /// The standing after a tick. `is_superseded`: a newer root context of the plugin runs in this VM, or newer ones run in
    /// other VMs on every thread. `newest_for`: the milliseconds since this was last the case.
    ///
    /// Between two identities, Envoy deletes one root context before the next one is counted. An older one that it keeps for
    /// open streams must not take their place in between, so it waits for [`RESUME`].
    pub fn after_tick(self, is_superseded: bool, newest_for: i64) -> Standing {
        match self {
            Standing::Fresh | Standing::Serving if is_superseded => Standing::Superseded,
            Standing::Superseded if is_superseded || newest_for < RESUME => self,
            Standing::Reactivated | Standing::Conflicting if is_superseded => self,
            _ => Standing::Serving,
        }
    }

    /// The standing after a new request. `superseded_for`: the milliseconds since a newer root context was configured.
    pub fn after_request(self, superseded_for: i64) -> Standing {
        match self {
            Standing::Superseded => Standing::Reactivated,
            Standing::Reactivated if superseded_for >= DRAINED => Standing::Conflicting,
            _ => self,
        }
    }
}

/// The record of one VM.
#[derive(Clone, Debug, PartialEq)]
pub struct Vm {
    /// Build, VM configuration and environment variables.
    pub identity: String,
    /// The generation at which it joined.
    pub joined: u64,
    /// The newest generation that it has seen.
    pub seen: u64,
    /// The time at which it last wrote the record because of a tick.
    pub heartbeat: Time,
    /// The time since which it has ticked without an interruption.
    pub awake_since: Time,
    /// Increases when `roots` changes.
    pub version: u64,
    /// Its root contexts that are members.
    pub roots: Rc<[RootRecord]>,
}

/// One root context in a [`Vm`].
#[derive(Clone, Debug, PartialEq)]
pub struct RootRecord {
    /// `<plugin name>/<root id>`.
    pub plugin: String,
    /// The fleet of its policy.
    pub fleet: String,
    /// The generation at which it became a member.
    pub configured: u64,
    /// Its role.
    pub standing: Standing,
    /// The document that it has adopted, by site.
    pub adopted: ByteMap<String>,
}

impl Vm {
    /// True if the VM has written a heartbeat recently.
    pub fn is_alive(&self, now: Time) -> bool {
        is_within(self.heartbeat, now, STUCK_AFTER)
    }

    fn runs(&self, plugin: &str) -> impl Iterator<Item = &RootRecord> {
        self.roots.iter().filter(move |root| root.plugin == plugin && root.standing.is_member())
    }
}

fn is_within(from: Time, to: Time, milliseconds: i64) -> bool {
    to.0.abs_diff(from.0) < milliseconds.unsigned_abs()
}

/// The records of one identity, and the newest `joined` among them.
struct Identity<'v> {
    name: &'v str,
    vms: Vec<&'v Vm>,
    newest: u64,
}

impl<'v> Identity<'v> {
    fn all(vms: &'v [Vm]) -> Vec<Identity<'v>> {
        let mut identities: Vec<Identity<'v>> = Vec::new();
        for vm in vms {
            match identities.iter_mut().find(|identity| identity.name == vm.identity) {
                Some(identity) => {
                    identity.vms.push(vm);
                    identity.newest = identity.newest.max(vm.joined);
                }
                None => identities.push(Identity { name: &vm.identity, vms: vec![vm], newest: vm.joined }),
            }
        }
        identities
    }

    /// The records that belong to different threads.
    fn distinct(&self) -> impl Iterator<Item = &'v Vm> {
        self.vms.iter().copied().filter(|vm| vm.seen >= self.newest)
    }
}

/// The number of threads of this Envoy, if it is known: the largest number of VMs of one identity that belong to
/// different threads. `known` is the number that was found before.
///
/// The number is found only while every VM in the records is alive, has seen the newest VM of its identity, and has
/// written a heartbeat [`SETTLE`] after the last one started or was interrupted. If one is stuck while an update moves
/// the others to another identity, no identity has a VM on every thread. The main thread's VM alone says nothing: Envoy
/// starts the workers later, once its clusters are ready.
pub fn threads(known: Option<usize>, vms: &[Vm], now: Time) -> Option<usize> {
    let identities = Identity::all(vms);
    let last_start = vms.iter().map(|vm| vm.awake_since.0).max().unwrap_or_default();
    let is_settled = |vm: &Vm| vm.is_alive(now) && vm.heartbeat.0.saturating_sub(last_start) >= SETTLE;
    let is_certain = |identity: &Identity<'_>| identity.vms.iter().all(|vm| vm.seen >= identity.newest);
    if !identities.iter().all(is_certain) || !vms.iter().all(is_settled) {
        return known;
    }
    let found = identities.iter().map(|identity| identity.vms.len()).max();
    // Every Envoy has a worker.
    known.max(found.filter(|count| *count > 1))
}

/// True if the VM of a record no longer runs.
///
/// One identity has a VM on every thread, and each of them has ticked without an interruption for [`DEAD_AFTER`] since the
/// last heartbeat of `vm`. One of them runs on the thread of `vm`, so `vm` would have written a heartbeat too. Each of
/// them runs the plugins of `vm` that have sites; a thread without them could still receive an older policy.
pub fn is_dead(vm: &Vm, vms: &[Vm], threads: Option<usize>) -> bool {
    let Some(threads) = threads else {
        return false;
    };
    let has_outlived = |other: &&Vm| {
        let mut plugins = vm.roots.iter().filter(|root| !root.adopted.is_empty()).map(|root| &root.plugin);
        let is_later = other.heartbeat.0.saturating_sub(vm.heartbeat.0.max(other.awake_since.0)) >= DEAD_AFTER;
        is_later && plugins.all(|plugin| other.runs(plugin).next().is_some())
    };
    Identity::all(vms).iter().any(|identity| identity.distinct().filter(has_outlived).count() >= threads)
}

/// True if VMs of another identity run a plugin on every thread, so that Envoy sends new connections to them and not to a
/// root context of `identity` that joined at the generation `configured`. At least one of them must be newer than it:
/// Envoy uses an old root context again when an update brings back its policy, so the others may be older.
pub fn is_superseded(identity: &str, plugin: &str, configured: u64, vms: &[Vm], threads: Option<usize>) -> bool {
    let Some(threads) = threads else {
        return false;
    };
    let is_newer = |other: &Identity<'_>| {
        let roots: Vec<&RootRecord> = other.vms.iter().flat_map(|vm| vm.runs(plugin)).collect();
        let count = other.distinct().filter(|vm| vm.runs(plugin).any(|root| root.standing != Standing::Fresh)).count();
        count >= threads && roots.iter().any(|root| root.configured > configured)
    };
    Identity::all(vms).iter().any(|other| other.name != identity && is_newer(other))
}

/// True if no root context of a plugin became a member after the generation `configured`. The newest one publishes its
/// policy, whose declared state is then the wanted document of its sites.
pub fn is_newest(plugin: &str, configured: u64, vms: &[Vm]) -> bool {
    vms.iter().flat_map(|vm| vm.runs(plugin)).all(|root| root.configured <= configured)
}

/// The workers of one site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Workers {
    /// The workers whose root contexts have the site.
    pub members: usize,
    /// Those of them that have adopted the wanted document. Equal to `members` only when all have.
    pub adopted: usize,
}

impl Workers {
    /// True if there are workers, and all of them have adopted.
    pub fn have_adopted(self) -> bool {
        self.members > 0 && self.adopted == self.members
    }
}

/// Counts the workers of a site, and those of them that have adopted `wanted`.
///
/// A root context whose policy does not have the site yet is a member too if the plugin has it in another VM. If the number
/// of threads is known, a plugin has that many VMs of one identity; those that have not joined yet count as members that
/// have not adopted. Before it is known, they are not counted: a VM reads the documents before its first decision.
///
/// The VM on the main thread adopts documents like the others and receives no requests. Its record does not differ from
/// theirs, so one VM is subtracted from both numbers for each identity in which a plugin of the site now runs. If any VM
/// has not adopted, `adopted` is less than `members`, even if it is the one on the main thread.
pub fn workers(fleet: &str, site: &str, wanted: &str, vms: &[Vm], threads: Option<usize>, now: Time) -> Workers {
    let mut plugins: Vec<&str> = Vec::new();
    for root in vms.iter().flat_map(|vm| vm.roots.iter()) {
        let has_site = root.fleet == fleet && root.standing.is_member() && root.adopted.get(site.as_bytes()).is_some();
        if has_site && !plugins.contains(&root.plugin.as_str()) {
            plugins.push(&root.plugin);
        }
    }
    let (mut members, mut adopted) = (0, 0);
    for vm in vms {
        let mut roots = plugins.iter().flat_map(|plugin| vm.runs(plugin)).peekable();
        if roots.peek().is_some() {
            let follows =
                roots.all(|root| root.adopted.get(site.as_bytes()).is_some_and(|document| document == wanted));
            members += 1;
            adopted += usize::from(follows && vm.is_alive(now));
        }
    }
    let current = current_identities(&plugins, vms);
    let main_threads = current.len();
    let threads = threads.unwrap_or(0);
    let is_complete = current.iter().all(|(_, count)| *count >= threads);
    if is_complete && members == adopted {
        let workers = usize::saturating_sub(members, main_threads);
        return Workers { members: workers, adopted: workers };
    }
    let members = usize::saturating_sub(members.max(threads * main_threads), main_threads).max(1);
    Workers { members, adopted: usize::saturating_sub(adopted, main_threads).min(members - 1) }
}

/// The identities in which the plugins now run, and the smallest number of VMs there that run one of them. For each
/// plugin it is the identity with the most such VMs, and of equals the one with the newest root context.
fn current_identities<'v>(plugins: &[&str], vms: &'v [Vm]) -> Vec<(&'v str, usize)> {
    let identities = Identity::all(vms);
    let mut current: Vec<(&str, usize)> = Vec::new();
    for plugin in plugins {
        let rank = |identity: &Identity<'_>| {
            let count = identity.vms.iter().filter(|vm| vm.runs(plugin).next().is_some()).count();
            let configured = identity.vms.iter().flat_map(|vm| vm.runs(plugin)).map(|root| root.configured).max();
            (count, configured)
        };
        let ranked = identities.iter().map(|identity| (rank(identity), identity.name));
        if let Some(((count, _), name)) = ranked.max_by_key(|(rank, _)| *rank) {
            match current.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = count.min(*known),
                None => current.push((name, count)),
            }
        }
    }
    current
}

/// True if a VM runs a plugin.
pub fn is_running(plugin: &str, vms: &[Vm]) -> bool {
    vms.iter().any(|vm| vm.runs(plugin).next().is_some())
}

/// The plugins that accept requests beside a newer one of the same name.
pub fn conflicts(vms: &[Vm]) -> Vec<String> {
    let roots = vms.iter().flat_map(|vm| vm.roots.iter());
    let mut names: Vec<String> = Vec::new();
    for root in roots.filter(|root| root.standing == Standing::Conflicting) {
        // `sort` would add 4 KiB to the module.
        if let Err(position) = names.binary_search(&root.plugin) {
            names.insert(position, root.plugin.clone());
        }
    }
    names
}
