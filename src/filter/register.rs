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

use super::host::HostError;
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
pub fn prepare(fleet: &str, sites: &[Site]) -> Result<(), HostError> {
    let sites = sites.iter().filter(|site| !documents::has_place(fleet, &site.name));
    for key in sites.map(|site| site_key(fleet, &site.name)) {
        if host::shared(&key)?.is_none() {
            host::set_shared(&key, b"", None)?;
        }
    }
    for (key, value) in [("generation", "0"), ("instances", "\n"), ("slots", "\n")] {
        if host::shared(key)?.is_none() {
            host::set_shared(key, value.as_bytes(), None)?;
        }
    }
    if host::shared("process")?.is_none() {
        host::set_shared("process", format!("{:08x}", host::random()? as u32).as_bytes(), None)?;
    }
    Ok(())
}

thread_local! {
    static SPREAD: Cell<u32> = Cell::new((host::random().unwrap_or(0) as u32) | 1);
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
pub fn text(key: &str) -> Result<String, HostError> {
    host::shared(key)?.map_or_else(|| Ok(String::new()), into_text)
}

fn into_text(shared: host::Shared) -> Result<String, HostError> {
    String::from_utf8(shared.bytes).map_err(|_| HostError::Malformed { call: "proxy_get_shared_data" })
}

/// The name of this Envoy: `<node id>/<8 hex>`.
pub fn envoy() -> Result<String, HostError> {
    let node = host::property(&["xds", "node", "id"])?.unwrap_or_default();
    Ok(format!("{}/{}", String::from_utf8_lossy(&node), text("process")?))
}

/// The generation of what is shared.
pub fn generation() -> Result<u64, HostError> {
    Ok(text("generation")?.parse().unwrap_or(0))
}

/// Says that something has changed.
pub fn changed() -> Result<(), HostError> {
    update("generation", |text| {
        let next = text.parse::<u64>().unwrap_or(0).wrapping_add(1);
        Some(next.to_string())
    })?;
    Ok(())
}

/// Replaces a shared text by what `edit` makes of it, again where another thread was faster. False where `edit` wants no
/// change.
pub fn update(key: &str, edit: impl Fn(&str) -> Option<String>) -> Result<bool, HostError> {
    for _ in 0..100 {
        let shared = host::shared(key)?;
        let cas = shared.as_ref().map(|shared| shared.cas);
        let before = shared.map_or_else(|| Ok(String::new()), into_text)?;
        let Some(after) = edit(&before) else { return Ok(false) };
        if host::set_shared(key, after.as_bytes(), cas)? {
            return Ok(true);
        }
    }
    Err(HostError::Status { call: "proxy_set_shared_data", status: host::CAS_MISMATCH })
}

/// Adds a line to a shared list, if it is not there.
pub fn add_line(key: &str, line: &str) -> Result<bool, HostError> {
    update(key, |text| (!text.lines().any(|known| known == line)).then(|| format!("{text}{line}\n")))
}

/// Takes a line out of a shared list, if it is there.
pub fn remove_line(key: &str, line: &str) -> Result<(), HostError> {
    update(key, |text| {
        let kept = |known: &&str| *known != line && !known.is_empty();
        text.lines().any(|known| known == line).then(|| {
            let lines: Vec<&str> = text.lines().filter(kept).collect();
            format!("\n{}{}", lines.join("\n"), if lines.is_empty() { "" } else { "\n" })
        })
    })?;
    Ok(())
}

/// The key of a site's document.
pub fn site_key(fleet: &str, site: &str) -> String {
    format!("site/{fleet}/{site}")
}

/// Puts a document into the register, if nobody else has since `cas` was read.
pub fn put(fleet: &str, site: &str, key: (&str, &str), token: &[u8], cas: Option<u32>) -> Result<bool, HostError> {
    let bytes = [key.0.as_bytes(), b" ", key.1.as_bytes(), b"\n", token].concat();
    host::set_shared(&site_key(fleet, site), &bytes, cas)
}

fn held_key(slot: &str, fleet: &str, site: &str) -> String {
    format!("held/{slot}/{fleet}/{site}")
}

/// Remembers that a plugin has adopted a document.
pub fn hold(slot: &str, fleet: &str, site: &str, digest: Digest) -> Result<(), HostError> {
    if !is_held(slot, fleet, site, digest)? {
        host::set_shared(&held_key(slot, fleet, site), digest.to_string().as_bytes(), None)?;
    }
    Ok(())
}

/// Whether that document is the last that the plugin has adopted.
pub fn is_held(slot: &str, fleet: &str, site: &str, digest: Digest) -> Result<bool, HostError> {
    Ok(text(&held_key(slot, fleet, site))? == digest.to_string())
}

/// Notes that a plugin has left a VM, and nobody has taken its place there yet.
pub fn leave_slot(slot: &str, now: Time) -> Result<(), HostError> {
    host::set_shared(&format!("left/{slot}"), now.0.to_string().as_bytes(), None)?;
    Ok(())
}

/// Whether it is this build of the module that runs a plugin.
pub fn has_slot(slot: &str, build: &str) -> Result<bool, HostError> {
    Ok(run_by(slot)? == build)
}

/// The build of the module that runs a plugin.
pub fn run_by(slot: &str) -> Result<String, HostError> {
    Ok(text(&format!("slot/{slot}"))?.lines().next().unwrap_or_default().to_owned())
}

/// The plugins that run in a VM, by its `instance/<id>`.
pub fn slots_of(instance: &str) -> impl Iterator<Item = &str> {
    instance.lines().filter_map(|line| line.strip_prefix("* "))
}

/// The plugins that run, in the order in which they came, and until when that is so if nothing changes. What has just left
/// may be on its way to the VMs of another build of the module.
pub fn running_slots(instances: &[Instance], now: Time) -> Result<(Vec<String>, Option<Time>), HostError> {
    let running: crate::byte_index::ByteIndex = instances.iter().flat_map(Instance::slots).collect();
    let mut until: Option<Time> = None;
    let mut slots = Vec::new();
    for slot in text("slots")?.lines().filter(|slot| !slot.is_empty()) {
        if !running.contains(slot.as_bytes()) {
            let left: i64 = text(&format!("left/{slot}"))?.parse().unwrap_or(0);
            let end = Time(left.saturating_add(BETWEEN));
            if now >= end {
                continue;
            }
            until = Some(until.map_or(end, |until| until.min(end)));
        }
        slots.push(slot.to_owned());
    }
    Ok((slots, until))
}

/// Whether the VM has ticked of late.
pub fn is_alive(id: &str, now: Time) -> Result<bool, HostError> {
    Ok(now.0.saturating_sub(last_tick(id)?) < SILENCE)
}

fn last_tick(id: &str) -> Result<i64, HostError> {
    Ok(text(&format!("alive/{id}"))?.parse().unwrap_or(0))
}

/// The line of the VM of this build that fell silent last.
pub fn silent(build: &str, now: Time) -> Result<Option<String>, HostError> {
    let lines = text("instances")?;
    let mut last: Option<(i64, &str)> = None;
    for line in lines.lines() {
        let Some((id, _)) = line.split_once(' ').filter(|(_, known)| *known == build) else { continue };
        let tick = last_tick(id)?;
        if !is_alive(id, now)? && last.is_none_or(|(latest, _)| latest <= tick) {
            last = Some((tick, line));
        }
    }
    Ok(last.map(|(_, line)| line.to_owned()))
}

/// How many VMs of this build have come late, and look for one whose place they take.
pub fn missing(build: &str) -> Result<i64, HostError> {
    Ok(text(&format!("missing/{build}"))?.parse().unwrap_or(0))
}

/// Changes that number.
pub fn add_missing(build: &str, by: i64) -> Result<(), HostError> {
    update(&format!("missing/{build}"), |text| Some((text.parse().unwrap_or(0) + by).max(0).to_string()))?;
    Ok(())
}

/// Whether a VM that joins now comes later than those with which its build has started.
pub fn is_late(build: &str, now: Time) -> Result<bool, HostError> {
    let key = format!("build/{build}");
    update(&key, |text| text.is_empty().then(|| now.0.to_string()))?;
    Ok(now.0.saturating_sub(text(&key)?.parse().unwrap_or(now.0)) > LATE)
}
