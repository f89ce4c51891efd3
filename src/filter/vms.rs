//! The records of VMs in shared data: `vm/<number>`.

use std::cell::RefCell;
use std::rc::Rc;

use super::host::HostError;
use super::register::{self, Unused};
use crate::members::{self, RootRecord, Vm, Workers};
use crate::time::Time;

const PREFIX: &str = "vm";
const THREADS: &str = "threads";

fn name(number: usize) -> String {
    format!("{PREFIX}/{number}")
}

/// The key of a record that this VM has written, and its version.
#[derive(Clone, Copy)]
pub struct RecordKey {
    number: usize,
    cas: u32,
}

impl RecordKey {
    /// Replaces the record. `None` if another VM has removed it.
    pub fn write(self, record: &str) -> Result<Option<RecordKey>, HostError> {
        if !register::set(&name(self.number), record.as_bytes(), Some(self.cas))? {
            return Ok(None);
        }
        RecordKey::written(self.number, record)
    }

    /// The key of a record that has just been written. The host returns no version, so the value is read back.
    fn written(number: usize, record: &str) -> Result<Option<RecordKey>, HostError> {
        let shared = register::get(&name(number))?;
        Ok(shared
            .filter(|shared| shared.bytes == record.as_bytes())
            .map(|shared| RecordKey { number, cas: shared.cas }))
    }

    /// Removes the record. False if it has changed since.
    pub fn remove(self) -> Result<bool, HostError> {
        register::set(&name(self.number), b"", Some(self.cas))
    }

    /// Writes a new record under a number that is not in use.
    pub fn create(record: &str) -> Result<RecordKey, HostError> {
        loop {
            let (_, Unused { number, cas }) = register::numbered(PREFIX)?;
            if register::set(&name(number), record.as_bytes(), cas)?
                && let Some(key) = RecordKey::written(number, record)?
            {
                return Ok(key);
            }
        }
    }
}

/// The body of a record as this VM has last read it.
struct KnownBody {
    number: usize,
    identity: String,
    joined: u64,
    version: u64,
    roots: Rc<[RootRecord]>,
}

thread_local! {
    static BODIES: RefCell<Vec<KnownBody>> = const { RefCell::new(Vec::new()) };
}

/// All records with their keys. A body is parsed only if its version is new.
pub fn read() -> Result<Vec<(RecordKey, Vm)>, HostError> {
    let (values, _) = register::numbered(PREFIX)?;
    BODIES.with_borrow_mut(|bodies| {
        let mut records = Vec::with_capacity(values.len());
        let known_bodies = std::mem::take(bodies);
        for value in &values {
            let text = std::str::from_utf8(&value.shared.bytes).ok();
            let Some((mut vm, body)) = text.and_then(members::decode_head) else { continue };
            let known = known_bodies.iter().find(|known| {
                known.number == value.number
                    && (&known.identity, known.joined, known.version) == (&vm.identity, vm.joined, vm.version)
            });
            vm.roots = match known {
                Some(known) => Rc::clone(&known.roots),
                None => members::decode_body(body).unwrap_or_default(),
            };
            bodies.push(KnownBody {
                number: value.number,
                identity: vm.identity.clone(),
                joined: vm.joined,
                version: vm.version,
                roots: Rc::clone(&vm.roots),
            });
            records.push((RecordKey { number: value.number, cas: value.shared.cas }, vm));
        }
        Ok(records)
    })
}

/// The number of threads of this Envoy, if it is known.
pub fn threads() -> Result<Option<usize>, HostError> {
    Ok(register::text(THREADS)?.parse().ok())
}

/// Shares a number of threads, unless a larger one is known.
pub fn set_threads(threads: usize) -> Result<(), HostError> {
    let is_larger = |text: &str| text.parse::<usize>().map_or(true, |known| known < threads);
    register::update(THREADS, &|text| is_larger(text).then(|| threads.to_string())).map(drop)
}

/// The VMs at one moment.
pub struct Records {
    vms: Vec<Vm>,
    threads: Option<usize>,
    now: Time,
}

/// Differs whenever [`Records`] may give other answers.
#[derive(PartialEq, Eq)]
pub struct RecordsVersion {
    vms: Vec<(u64, u64, bool)>,
    threads: Option<usize>,
}

impl Records {
    pub fn read(now: Time) -> Result<Records, HostError> {
        let vms = read()?.into_iter().map(|(_, vm)| vm).collect();
        Ok(Records { vms, threads: threads()?, now })
    }

    /// Identifies these answers.
    pub fn version(&self) -> RecordsVersion {
        let vms = self.vms.iter().map(|vm| (vm.joined, vm.version, vm.is_alive(self.now))).collect();
        RecordsVersion { vms, threads: self.threads }
    }

    /// The workers of a site, and those that have adopted `wanted`.
    pub fn workers(&self, fleet: &str, site: &str, wanted: &str) -> Workers {
        members::workers(fleet, site, wanted, &self.vms, self.threads, self.now)
    }

    /// The names of plugins that accept requests beside another one of the same name.
    pub fn conflicts(&self) -> Vec<String> {
        members::conflicts(&self.vms)
    }
}
