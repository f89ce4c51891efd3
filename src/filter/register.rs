//! What all threads of an Envoy share, by VM id: which document is newest, which policies stand, who the members are.
//!
//! | key | value |
//! |---|---|
//! | `generation` | a number that grows when anything below changes; the one value that every tick reads |
//! | `process` | 8 hexadecimal digits, random a process |
//! | `site/<fleet>/<site>` | the newest document: `<key name> <key x>`, a line feed, and its JWS |
//! | `slots` | a line for each plugin: its slot, `<plugin name>/<root id>` |
//! | `slot/<slot>` | the build that runs it, a line feed, and what its policy says of sites and keys, as JSON |
//! | `instances` | a line for each running VM: its id and build |
//! | `instance/<id>` | what runs in that VM, a line a policy: `* <slot>`; and what it has adopted, a line a site and policy: `<fleet>/<site> <digest>@<channel> <slot>` |
//! | `missing/<build>` | how many VMs of that build look for one that has trapped, to take its place |
//! | `left/<slot>` | when a VM has let go of the plugin without another policy for it, milliseconds since the epoch |
//! | `held/<slot>/<fleet>/<site>` | the digest of the last document that the plugin has adopted there |
//! | `alive/<id>` | when that VM last ticked, milliseconds since the epoch |
//! | `build/<build>` | when the first VM of that build joined, milliseconds since the epoch |
//!
//! An absent key takes any CAS, so those that several threads write at once are made by [`prepare`], which runs first on
//! Envoy's main thread.

use std::cell::Cell;

use super::members::Instance;
use super::{documents, host};
use crate::policy::Site;
use crate::state::Digest;
use crate::time::Time;

/// How long a VM may be silent before it counts as stuck, in milliseconds.
pub const SILENCE: i64 = 3000;
/// All VMs of a build have started after so many milliseconds.
const LATE: i64 = 4000;
/// How long a plugin may be nowhere between two builds of the module, in milliseconds.
const BETWEEN: i64 = 5000;

/// Makes the keys that several threads write, where they are not there yet.
pub fn prepare(fleet: &str, sites: &[Site]) {
    let sites = sites.iter().filter(|site| !documents::has_place(fleet, &site.name));
    for key in sites.map(|site| site_key(fleet, &site.name)) {
        if host::shared(&key).is_none() {
            host::set_shared(&key, b"", None);
        }
    }
    for (key, value) in [("generation", "0"), ("instances", "\n"), ("slots", "\n")] {
        if host::shared(key).is_none() {
            host::set_shared(key, value.as_bytes(), None);
        }
    }
    if host::shared("process").is_none() {
        host::set_shared("process", format!("{:08x}", random() as u32).as_bytes(), None);
    }
}

/// A random number.
pub fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| host::now().0.unsigned_abs())
}

thread_local! {
    static SPREAD: Cell<u32> = Cell::new((random() as u32) | 1);
}

/// A number that spreads clients, without a hostcall for each (xorshift32, Marsaglia 2003). Good for no secret.
pub fn spread() -> u32 {
    let mut number = SPREAD.get();
    number ^= number << 13;
    number ^= number >> 17;
    number ^= number << 5;
    SPREAD.set(number);
    number
}

/// A shared text; empty where there is none.
pub fn text(key: &str) -> String {
    host::shared(key).map_or_else(String::new, |shared| lossy(shared.bytes))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// The name of this Envoy: `<node id>/<8 hex>`.
pub fn envoy() -> String {
    let node = host::property(&["xds", "node", "id"]).map_or_else(String::new, lossy);
    format!("{node}/{}", text("process"))
}

/// The generation of what is shared.
pub fn generation() -> u64 {
    text("generation").parse().unwrap_or(0)
}

/// Says that something has changed.
pub fn changed() {
    update("generation", |text| {
        let next = text.parse::<u64>().unwrap_or(0).wrapping_add(1);
        Some(next.to_string())
    });
}

/// Replaces a shared text by what `edit` makes of it, again where another thread was faster. False where `edit` wants no
/// change.
pub fn update(key: &str, edit: impl Fn(&str) -> Option<String>) -> bool {
    for _ in 0..100 {
        let (before, cas) =
            host::shared(key).map_or((String::new(), None), |shared| (lossy(shared.bytes), Some(shared.cas)));
        match edit(&before) {
            None => return false,
            Some(after) if host::set_shared(key, after.as_bytes(), cas) => return true,
            Some(_) => {}
        }
    }
    log::error!("shared data: \"{key}\" could not be written");
    false
}

/// Adds a line to a shared list, if it is not there.
pub fn add_line(key: &str, line: &str) -> bool {
    update(key, |text| (!text.lines().any(|known| known == line)).then(|| format!("{text}{line}\n")))
}

/// Takes a line out of a shared list, if it is there.
pub fn remove_line(key: &str, line: &str) {
    update(key, |text| {
        let kept = |known: &&str| *known != line && !known.is_empty();
        text.lines().any(|known| known == line).then(|| {
            let lines: Vec<&str> = text.lines().filter(kept).collect();
            format!("\n{}{}", lines.join("\n"), if lines.is_empty() { "" } else { "\n" })
        })
    });
}

/// The key of a site's document.
pub fn site_key(fleet: &str, site: &str) -> String {
    format!("site/{fleet}/{site}")
}

/// Puts a document into the register, if nobody else has since `cas` was read.
pub fn put(fleet: &str, site: &str, key: (&str, &str), token: &[u8], cas: Option<u32>) -> bool {
    let bytes = [key.0.as_bytes(), b" ", key.1.as_bytes(), b"\n", token].concat();
    host::set_shared(&site_key(fleet, site), &bytes, cas)
}

fn held_key(slot: &str, fleet: &str, site: &str) -> String {
    format!("held/{slot}/{fleet}/{site}")
}

/// Remembers that a plugin has adopted a document.
pub fn hold(slot: &str, fleet: &str, site: &str, digest: Digest) {
    if !is_held(slot, fleet, site, digest) {
        host::set_shared(&held_key(slot, fleet, site), digest.to_string().as_bytes(), None);
    }
}

/// Whether that document is the last that the plugin has adopted.
pub fn is_held(slot: &str, fleet: &str, site: &str, digest: Digest) -> bool {
    text(&held_key(slot, fleet, site)) == digest.to_string()
}

/// Notes that a plugin has left a VM, and nobody has taken its place there yet.
pub fn leave_slot(slot: &str, now: Time) {
    host::set_shared(&format!("left/{slot}"), now.0.to_string().as_bytes(), None);
}

/// Whether it is this build of the module that runs a plugin.
pub fn has_slot(slot: &str, build: &str) -> bool {
    run_by(slot) == build
}

/// The build of the module that runs a plugin.
pub fn run_by(slot: &str) -> String {
    text(&format!("slot/{slot}")).lines().next().unwrap_or_default().to_owned()
}

/// The plugins that run in a VM, by its `instance/<id>`.
pub fn slots_of(instance: &str) -> impl Iterator<Item = &str> {
    instance.lines().filter_map(|line| line.strip_prefix("* "))
}

/// The plugins that run, in the order in which they came, and until when that is so if nothing changes. What has just left
/// may be on its way to the VMs of another build of the module.
pub fn running_slots(instances: &[Instance], now: Time) -> (Vec<String>, Option<Time>) {
    let running = instances.iter().flat_map(Instance::slots).map(str::to_owned);
    let running: hashbrown::HashSet<String> = running.collect();
    let mut until = None;
    let mut is_between = |slot: &str| {
        let left: i64 = text(&format!("left/{slot}")).parse().unwrap_or(0);
        let end = Time(left.saturating_add(BETWEEN));
        let is_between = now < end;
        until = if is_between { Some(until.map_or(end, |until: Time| until.min(end))) } else { until };
        is_between
    };
    let slots = text("slots");
    let slots = slots.lines().filter(|slot| !slot.is_empty() && (running.contains(*slot) || is_between(slot)));
    let slots = slots.map(str::to_owned).collect();
    (slots, until)
}

/// Whether the VM has ticked of late.
pub fn is_alive(id: &str, now: Time) -> bool {
    now.0.saturating_sub(last_tick(id)) < SILENCE
}

fn last_tick(id: &str) -> i64 {
    text(&format!("alive/{id}")).parse().unwrap_or(0)
}

/// The line of the VM of this build that fell silent last.
pub fn silent(build: &str, now: Time) -> Option<String> {
    let lines = text("instances");
    let of_build = lines.lines().filter_map(|line| line.split_once(' ').filter(|(_, known)| *known == build));
    let silent = of_build.filter(|(id, _)| !is_alive(id, now)).max_by_key(|(id, _)| last_tick(id));
    silent.map(|(id, build)| format!("{id} {build}"))
}

/// How many VMs of this build have come late, and look for one whose place they take.
pub fn missing(build: &str) -> i64 {
    text(&format!("missing/{build}")).parse().unwrap_or(0)
}

/// Changes that number.
pub fn add_missing(build: &str, by: i64) {
    update(&format!("missing/{build}"), |text| Some((text.parse().unwrap_or(0) + by).max(0).to_string()));
}

/// Whether a VM that joins now comes later than those with which its build has started.
pub fn is_late(build: &str, now: Time) -> bool {
    let key = format!("build/{build}");
    update(&key, |text| text.is_empty().then(|| now.0.to_string()));
    now.0.saturating_sub(text(&key).parse().unwrap_or(now.0)) > LATE
}
