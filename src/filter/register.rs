//! Shared data: the values that all VMs of an Envoy share. Every key begins with `maintenance/`, because all plugins with
//! the same VM id share one namespace.
//!
//! | key below `maintenance/` | value | module |
//! |---|---|---|
//! | `generation` | a number that increases with every change of the values below, except heartbeats | |
//! | `process` | 8 hexadecimal digits, random per process | |
//! | `started` | the time at which a plugin was first configured, in milliseconds since the epoch | |
//! | `threads` | the number of Envoy's threads, once it is known | [`vms`](super::vms) |
//! | `vm/<number>` | the record of one VM | [`vms`](super::vms) |
//! | `plugin/<number>` | the policy of one plugin: sites, rules, declared state, keys | [`plugins`](super::plugins) |
//! | `refused` | the policies that plugins have refused | [`refusals`](super::refusals) |
//! | `site/<fleet>/<site>` | the newest pushed document | [`documents`](super::documents) |
//! | `adopted/<fleet>/<site>` | the last document that each plugin has adopted | [`documents`](super::documents) |
//!
//! Shared data has no deletion. Numbered keys are used again: a removed value is empty, and readers stop at the first key
//! that does not exist.
//!
//! A write can be made conditional on the version (CAS) of the value that it replaces. Envoy ignores the version if the key
//! does not exist, so a write with a version that no value has creates the key, or fails if another thread has just created
//! it.

use std::cell::Cell;

use super::host::{self, HostError, Shared};
use crate::time::Time;

/// The version of no value: see the module's documentation.
const ABSENT: u32 = u32::MAX;
const CALL: &str = "proxy_set_shared_data";

thread_local! {
    static SPREAD: Cell<u32> = Cell::new((host::random().unwrap_or(0) as u32) | 1);
}

/// A number that spreads clients, without a hostcall for each (xorshift32, Marsaglia 2003). Not secret.
pub fn spread() -> u32 {
    let mut number = SPREAD.get();
    number ^= number << 13;
    number ^= number >> 17;
    number ^= number << 5;
    SPREAD.set(number);
    number
}

fn full_key(key: &str) -> String {
    format!("maintenance/{key}")
}

/// The value of `key`, or `None` if it does not exist.
pub fn get(key: &str) -> Result<Option<Shared>, HostError> {
    host::shared(&full_key(key))
}

/// Writes `key` if it still has the version `cas`; without `cas`, if it does not exist. False if another thread was faster.
pub fn set(key: &str, bytes: &[u8], cas: Option<u32>) -> Result<bool, HostError> {
    host::set_shared(&full_key(key), bytes, Some(cas.unwrap_or(ABSENT)))
}

/// The text of a value.
pub fn into_text(shared: Shared) -> Result<String, HostError> {
    String::from_utf8(shared.bytes).map_err(|_| HostError::Malformed { call: "proxy_get_shared_data" })
}

/// The value of `key` as text, or an empty text if it does not exist.
pub fn text(key: &str) -> Result<String, HostError> {
    get(key)?.map_or_else(|| Ok(String::new()), into_text)
}

/// Replaces the text of `key` by the result of `edit`, and again if another thread was faster. `None` leaves the text.
/// Returns the text that `key` then has.
pub fn update(key: &str, edit: &dyn Fn(&str) -> Option<String>) -> Result<String, HostError> {
    for _ in 0..100 {
        let shared = get(key)?;
        let cas = shared.as_ref().map(|shared| shared.cas);
        let before = shared.map_or_else(|| Ok(String::new()), into_text)?;
        let Some(after) = edit(&before) else { return Ok(before) };
        if set(key, after.as_bytes(), cas)? {
            return Ok(after);
        }
    }
    Err(HostError::Status { call: CALL, status: host::CAS_MISMATCH })
}

/// The name of this Envoy: `<node id>/<8 hexadecimal digits>`.
pub fn envoy() -> Result<String, HostError> {
    let node = host::property(&["xds", "node", "id"])?.unwrap_or_default();
    let random = host::random()? as u32;
    let process = update("process", &|process| process.is_empty().then(|| format!("{random:08x}")))?;
    Ok(format!("{}/{process}", String::from_utf8_lossy(&node)))
}

/// The time at which a plugin was first configured. Sets it if there is none.
pub fn started() -> Result<Time, HostError> {
    let now = host::now()?;
    let started = update("started", &|started| started.is_empty().then(|| now.0.to_string()))?;
    Ok(Time(started.parse().unwrap_or(now.0)))
}

/// The generation.
pub fn generation() -> Result<u64, HostError> {
    Ok(text("generation")?.parse().unwrap_or(0))
}

/// Increases the generation, and returns the new one.
pub fn changed() -> Result<u64, HostError> {
    let next = |text: &str| Some((text.parse::<u64>().unwrap_or(0) + 1).to_string());
    Ok(update("generation", &next)?.parse().unwrap_or(0))
}

/// A value under a numbered key.
pub struct Numbered {
    pub number: usize,
    pub shared: Shared,
}

/// A number without a value.
#[derive(Clone, Copy, Default)]
pub struct Unused {
    pub number: usize,
    /// The version of the empty value, or `None` if the key does not exist.
    pub cas: Option<u32>,
}

/// The values under `<prefix>/<number>` that have not been removed, and the first unused number.
pub fn numbered(prefix: &str) -> Result<(Vec<Numbered>, Unused), HostError> {
    let (mut values, mut unused) = (Vec::new(), None);
    for number in 0.. {
        let Some(shared) = get(&format!("{prefix}/{number}"))? else {
            return Ok((values, unused.unwrap_or(Unused { number, cas: None })));
        };
        if shared.bytes.is_empty() {
            unused.get_or_insert(Unused { number, cas: Some(shared.cas) });
        } else {
            values.push(Numbered { number, shared });
        }
    }
    Ok((values, Unused::default()))
}
