//! The membership of this VM: reads and writes records, and applies the decisions of [`members`].

use std::rc::Rc;

use super::host::HostError;
use super::root::Root;
use super::vms::{self, RecordKey};
use super::{host, plugins, refusals, register};
use crate::members::{self, GAP, HEARTBEAT, Standing, Vm};
use crate::state::Digest;
use crate::time::Time;

/// The time after which the policy of a plugin that runs in no VM is removed, in milliseconds. An update can leave a
/// plugin without a VM for a moment.
const PLUGIN_GRACE: i64 = 5000;

/// This VM as a member.
#[derive(Default)]
pub struct Membership {
    identity: String,
    key: Option<RecordKey>,
    joined: u64,
    seen: u64,
    heartbeat: Time,
    awake_since: Time,
    last_tick: Option<Time>,
    /// The time of the last change of the generation.
    changed_at: Time,
    threads: Option<usize>,
    /// The root contexts as the record has them, and their version.
    body: String,
    version: u64,
    /// The times since which plugins run in no VM.
    idle_plugins: Vec<(String, Time)>,
}

fn short_digest(bytes: &[u8]) -> String {
    let digest = Digest::of(bytes).to_string();
    digest.get(..8).unwrap_or_default().to_owned()
}

/// The environment variables of this VM, in a fixed order. From Envoy 1.39 on, VMs that differ in them run side by side.
fn environment() -> Vec<u8> {
    let mut variables: Vec<Vec<u8>> = Vec::new();
    for (name, value) in std::env::vars_os() {
        let variable = [name.as_encoded_bytes(), b"=", value.as_encoded_bytes(), b"\0"].concat();
        // `sort` would add 4 KiB to the module.
        let position = variables.partition_point(|known| *known < variable);
        variables.insert(position, variable);
    }
    variables.concat()
}

impl Membership {
    /// Reads the identity of this VM: the build, the VM configuration and the environment variables.
    pub fn identify(&mut self) -> Result<(), HostError> {
        let build = option_env!("MAINTENANCE_BUILD").unwrap_or(env!("CARGO_PKG_VERSION"));
        let configuration = short_digest(&host::vm_configuration()?);
        self.identity = format!("{build}-{configuration}-{}", short_digest(&environment()));
        Ok(())
    }

    /// Starts a tick, and detects an interruption before it.
    pub fn begin_tick(&mut self, now: Time) {
        let is_next = |last: Time| (0..GAP).contains(&now.0.saturating_sub(last.0));
        if !self.last_tick.is_some_and(is_next) {
            self.awake_since = now;
        }
        self.last_tick = Some(now);
    }

    /// Joins, unless this VM is a member.
    pub fn join(&mut self, now: Time) -> Result<(), HostError> {
        if self.key.is_some() {
            return Ok(());
        }
        self.joined = register::changed()?;
        self.seen = self.joined;
        self.heartbeat = now;
        self.version += 1;
        self.key = Some(RecordKey::create(&self.record())?);
        Ok(())
    }

    /// True if the records of other VMs must be read: after a change, at each heartbeat, and while the number of
    /// threads is unknown or a root context is not simply serving.
    pub fn is_survey_due(&self, roots: &[Rc<Root>], now: Time) -> bool {
        let is_recent = |time: Time| now.0.abs_diff(time.0) < HEARTBEAT.unsigned_abs();
        self.threads.is_none()
            || is_recent(self.changed_at)
            || !is_recent(self.heartbeat)
            || roots.iter().any(|root| root.standing() != Standing::Serving)
    }

    /// Reads all records and acts on them: removes dead ones, updates the standings of `roots` and publishes policies.
    /// True if a root context has become a member.
    pub fn survey(&mut self, roots: &[Rc<Root>], now: Time) -> Result<bool, HostError> {
        let (keys, vms): (Vec<RecordKey>, Vec<Vm>) = vms::read()?.into_iter().unzip();
        self.count_threads(&vms, now)?;
        for (key, vm) in keys.iter().zip(&vms) {
            if members::is_dead(vm, &vms, self.threads) && key.remove()? {
                log::warn!("a VM no longer runs: it has trapped, or Envoy has deleted its thread");
                register::changed()?;
            }
        }
        let mut has_new_member = false;
        for (index, root) in roots.iter().enumerate() {
            let newer = roots.get(index + 1..).unwrap_or_default();
            let has_newer = newer.iter().any(|newer| newer.plugin == root.plugin);
            has_new_member |= self.update_standing(root, has_newer, &vms, now)?;
        }
        self.remove_idle_plugins(roots, &vms, now)?;
        Ok(has_new_member)
    }

    fn count_threads(&mut self, vms: &[Vm], now: Time) -> Result<(), HostError> {
        let known = self.threads.max(vms::threads()?);
        self.threads = members::threads(known, vms, now);
        match self.threads {
            Some(threads) if self.threads != known => vms::set_threads(threads),
            _ => Ok(()),
        }
    }

    fn update_standing(&self, root: &Root, has_newer: bool, vms: &[Vm], now: Time) -> Result<bool, HostError> {
        let (was, plugin, configured) = (root.standing(), &root.plugin, root.configured.get());
        let is_superseded = has_newer
            || (was != Standing::Fresh
                && members::is_superseded(&self.identity, plugin, configured, vms, self.threads));
        let standing = was.after_tick(is_superseded, root.newest_for(!is_superseded, now));
        root.set_standing(standing);
        if root.configured.get() == 0 {
            root.configured.set(register::changed()?);
        }
        if standing == Standing::Serving && members::is_newest(plugin, root.configured.get(), vms) {
            root.publish()?;
        }
        Ok(was.reads_first() && !standing.reads_first())
    }

    fn remove_idle_plugins(&mut self, roots: &[Rc<Root>], vms: &[Vm], now: Time) -> Result<(), HostError> {
        let mut idle = Vec::new();
        for policy in plugins::all()? {
            if members::is_running(&policy.plugin, vms) || roots.iter().any(|root| root.plugin == policy.plugin) {
                continue;
            }
            let known = self.idle_plugins.iter().find(|(plugin, _)| *plugin == policy.plugin);
            let since = known.map_or(now, |(_, since)| *since);
            if now.0.abs_diff(since.0) >= PLUGIN_GRACE.unsigned_abs() {
                policy.remove()?;
                refusals::forget(&policy.plugin, since)?;
            } else {
                idle.push((policy.plugin, since));
            }
        }
        self.idle_plugins = idle;
        Ok(())
    }

    /// Sets the time of the last change if the generation is new.
    pub fn note_generation(&mut self, generation: u64, now: Time) {
        if generation != self.seen {
            self.changed_at = now;
        }
    }

    /// Writes the record if it has changed or a heartbeat is due. False if another VM has removed it: this VM must join
    /// again before it decides anything.
    pub fn write(&mut self, roots: &[Rc<Root>], generation: Option<u64>, now: Time) -> Result<bool, HostError> {
        let seen = generation.unwrap_or(self.seen);
        let is_beat = generation.is_some() && now.0.abs_diff(self.heartbeat.0) >= HEARTBEAT.unsigned_abs();
        let mut body = String::new();
        roots.iter().filter(|root| root.standing().is_member()).for_each(|root| root.encode(&mut body));
        if !is_beat && seen == self.seen && body == self.body {
            return Ok(true);
        }
        let Some(key) = self.key.take() else { return Ok(false) };
        if body != self.body {
            self.body = body;
            self.version += 1;
        }
        self.seen = seen;
        if is_beat {
            self.heartbeat = now;
        }
        self.key = key.write(&self.record())?;
        Ok(self.key.is_some())
    }

    /// Removes the record. The VM joins again if Envoy configures another root context in it.
    pub fn leave(&mut self) -> Result<(), HostError> {
        match self.key.take() {
            Some(key) => key.remove().map(drop),
            None => Ok(()),
        }
    }

    /// True if this VM has a record.
    pub fn is_joined(&self) -> bool {
        self.key.is_some()
    }

    fn record(&self) -> String {
        let head = members::encode_head(&Vm {
            identity: self.identity.clone(),
            joined: self.joined,
            seen: self.seen,
            heartbeat: self.heartbeat,
            awake_since: self.awake_since,
            version: self.version,
            roots: Rc::default(),
        });
        head + &self.body
    }
}
