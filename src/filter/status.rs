//! The sites of the [status document](crate::protocol::Status). The short status is cached until something changes; the
//! full one, which requires a read token, is written for each request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::directory::{Current, Directory, KnownSite};
use super::documents::NO_DOCUMENT;
use super::host::HostError;
use super::refusals::{self, RefusedPolicy};
use super::root::Root;
use super::vms::{Records, RecordsVersion};
use super::{documents, plugins, register, stats};
use crate::json::{self, Object};
use crate::protocol::{Counters, PluginStatus, SiteDetails, SiteStatus, write_workers};
use crate::state::{Document, EffectiveState};
use crate::time::Time;
use crate::tree::Tree;

thread_local! {
    /// The short status of this thread's fleets.
    static SHORT: RefCell<Vec<Short>> = const { RefCell::new(Vec::new()) };
    /// The generation whose documents have all been read.
    static READ: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Reads the documents of all sites that a control endpoint of this worker serves, so that no request has to. Reads at
/// most `remaining` of them.
pub fn prepare(roots: &[Rc<Root>], generation: u64, remaining: &mut u32) -> Result<(), HostError> {
    if READ.get() == Some(generation) {
        return Ok(());
    }
    for root in roots.iter().filter(|root| root.policy.control.is_some() && root.standing().is_member()) {
        for site in &Directory::of(root.fleet())?.sites {
            let entry = documents::at(generation, root.fleet(), &site.name)?.filter(|entry| !entry.is_read());
            if let Some(entry) = entry {
                if *remaining == 0 {
                    return Ok(());
                }
                *remaining -= 1;
                let _ = entry.content();
            }
        }
    }
    READ.set(Some(generation));
    Ok(())
}

/// The cached short status of a fleet, with the versions of everything that it depends on.
struct Short {
    fleet: String,
    directory: Rc<Directory>,
    generation: u64,
    records: RecordsVersion,
    span: Span,
    sites: Vec<Part>,
    text: Rc<str>,
}

/// The status of one site without its workers.
struct Part {
    label: Rc<str>,
    span: Span,
    members: String,
}

/// A period in which no window or end changes the state.
#[derive(Clone, Copy)]
struct Span {
    from: Time,
    until: Option<Time>,
}

impl Span {
    fn contains(&self, now: Time) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// The short status of all sites of `fleet`: a JSON list.
pub fn short(fleet: &str, now: Time) -> Result<Rc<str>, HostError> {
    let directory = Directory::of(fleet)?;
    let generation = register::generation()?;
    let records = Records::read(now)?;
    let version = records.version();
    SHORT.with_borrow_mut(|cached| {
        let before = cached.iter().position(|short| short.fleet == fleet).map(|place| cached.swap_remove(place));
        let before = before.filter(|before| Rc::ptr_eq(&before.directory, &directory));
        let is_current =
            |short: &Short| short.generation == generation && short.records == version && short.span.contains(now);
        let short = match before {
            Some(short) if is_current(&short) => short,
            before => {
                let parts = before.map(|before| before.sites).unwrap_or_default();
                let mut short = Short {
                    fleet: fleet.to_owned(),
                    directory,
                    generation,
                    records: version,
                    span: Span { from: now, until: None },
                    sites: Vec::new(),
                    text: Rc::default(),
                };
                short.fill(parts, &records, now)?;
                short
            }
        };
        let text = Rc::clone(&short.text);
        cached.push(short);
        Ok(text)
    })
}

impl Short {
    /// Writes the text. Reuses those of the previous `parts` whose document and mode have not changed.
    fn fill(&mut self, parts: Vec<Part>, records: &Records, now: Time) -> Result<(), HostError> {
        let mut parts = parts.into_iter();
        let mut sites = Vec::with_capacity(self.directory.sites.len());
        for site in &self.directory.sites {
            let current = site.current(self.generation, &self.fleet)?;
            let label = current.as_ref().map_or_else(|| NO_DOCUMENT.into(), |current| Rc::clone(&current.label));
            let part = parts.next().filter(|part| part.label == label && part.span.contains(now));
            let part = part.unwrap_or_else(|| Part::new(site, current.as_ref(), label, now));
            let mut object = Object::from_members(part.members.clone());
            write_workers(records.workers(&self.fleet, &site.name, &part.label), &mut object);
            sites.push(object.end());
            self.span.until = [self.span.until, part.span.until].into_iter().flatten().min();
            self.sites.push(part);
        }
        self.text = json::list(&sites).into();
        Ok(())
    }
}

impl Part {
    fn new(site: &KnownSite, current: Option<&Current>, label: Rc<str>, now: Time) -> Part {
        let until = current.and_then(|current| current.document.next_change(now));
        let mut object = Object::default();
        site_status(site, current, &effective_state(current, now)).write(&mut object);
        Part { label, span: Span { from: now, until }, members: object.into_members() }
    }
}

fn effective_state(current: Option<&Current>, now: Time) -> EffectiveState {
    current.map(|current| current.document.at(now)).unwrap_or_default()
}

/// The status of a site without workers and details.
fn site_status(site: &KnownSite, current: Option<&Current>, state: &EffectiveState) -> SiteStatus<String> {
    let stamp = current.map(|current| current.document.stamp);
    SiteStatus {
        site: site.name.clone(),
        mode: state.mode().name().to_owned(),
        active: state.modes().strictest_first().map(|mode| mode.name().to_owned()).collect(),
        revision: stamp.map_or(0, |stamp| stamp.revision),
        digest: stamp.map(|stamp| stamp.digest.to_string()),
        channel: current.map(|current| current.channel.name().to_owned()),
        ..SiteStatus::default()
    }
}

/// The full status of a fleet.
pub struct Full {
    /// All sites: a JSON list.
    pub sites: String,
    /// The plugins that receive requests beside another one of the same name.
    pub plugin_conflicts: Vec<String>,
    /// All plugins, those of other fleets included: a JSON list.
    pub plugins: String,
}

/// The full status of a fleet.
pub fn full(directory: &Directory, fleet: &str, now: Time) -> Result<Full, HostError> {
    let generation = register::generation()?;
    let records = Records::read(now)?;
    let mut sites = Vec::with_capacity(directory.sites.len());
    for site in &directory.sites {
        let current = site.current(generation, fleet)?;
        let current = current.as_ref();
        let state = effective_state(current, now);
        let label = current.map_or(NO_DOCUMENT, |current| &current.label);
        let mut object = Object::default();
        site_status(site, current, &state).write(&mut object);
        write_workers(records.workers(fleet, &site.name, label), &mut object);
        details(directory, site, current, &state).write(&mut object);
        sites.push(object.end());
    }
    let conflicts = records.conflicts().iter().map(|plugin| plugins::shown_name(plugin).to_owned()).collect();
    Ok(Full { sites: json::list(&sites), plugin_conflicts: conflicts, plugins: plugins(directory)? })
}

/// All plugins: a JSON list. Those of this fleet, and those without a fleet or a policy, have the reason of their last
/// refusal.
fn plugins(directory: &Directory) -> Result<String, HostError> {
    let text = refusals::read()?;
    let refusals: Vec<RefusedPolicy<'_>> = text.lines().filter_map(RefusedPolicy::parse).collect();
    let written = |mut object: Object, refusal: Option<&RefusedPolicy<'_>>| {
        let refusal = refusal.filter(|refusal| !refusal.error.is_empty());
        let at = refusal.map(|refusal| refusal.at.to_string());
        PluginStatus::write_refusal(refusal.map(|refusal| refusal.error), at.as_deref(), &mut object);
        object.end()
    };
    let mut all = Vec::new();
    for plugin in &directory.plugins {
        let refusal = refusals.iter().find(|refusal| plugin.shows_refusal && refusal.plugin == plugin.name);
        all.push(written(Object::from_members(plugin.status.clone()), refusal));
    }
    for refusal in refusals.iter().filter(|refusal| !directory.plugins.iter().any(|known| known.name == refusal.plugin))
    {
        let mut object = Object::default();
        PluginStatus { name: plugins::shown_name(refusal.plugin).to_owned(), ..PluginStatus::default() }
            .write(&mut object);
        all.push(written(object, Some(refusal)));
    }
    Ok(json::list(&all))
}

/// The part of a site's status that requires a read token.
fn details(
    directory: &Directory,
    site: &KnownSite,
    current: Option<&Current>,
    state: &EffectiveState,
) -> SiteDetails<String> {
    let document = current.map(|current| &*current.document);
    let tree = document.filter(|document| has_lists(document));
    let tree = tree.and_then(|document| Tree::from_json(&document.payload).ok());
    let list = |name: &str| {
        tree.as_ref().and_then(|tree| tree.get(name)).map_or_else(|| "[]".to_owned(), |list| list.to_json_text())
    };
    let text = |time: Option<Time>| time.map(|time| time.to_string());
    let suspended = document.map(|document| document.suspend.as_slice()).unwrap_or_default();
    let counter = |rule: &String| (rule.clone(), stats::value(&stats::bypassed_name(&site.name, rule)));
    let payload = document.and_then(|document| std::str::from_utf8(&document.payload).ok());
    SiteDetails {
        since: text(state.since()),
        until: text(state.until()),
        eta: text(state.eta()),
        reason: state.reason().map(str::to_owned),
        by: document.and_then(|document| document.by.clone()),
        note: document.and_then(|document| document.note.clone()),
        signed_by: current
            .and_then(|current| current.signed_by.as_ref())
            .map(|(kid, name)| signer(directory, kid, name)),
        windows: list("windows"),
        past: list("past"),
        suspend: list("suspend"),
        suspend_unknown: suspended.iter().filter(|rule| !site.rules.contains(rule)).cloned().collect(),
        unknown_fields: document.map(|document| document.unknown.clone()).unwrap_or_default(),
        lacks_key: site.lacks_key(current),
        refused: Some(stats::value(&stats::refused_name(&site.name))),
        bypassed: Counters(site.rules.iter().map(counter).collect()),
        declared: Some(site.is_declared()),
        document: payload.unwrap_or("null").to_owned(),
    }
}

/// True if a document has lists that the status shows as they were written. Most documents have none.
fn has_lists(document: &Document) -> bool {
    let Document { windows, past, suspend, unknown, .. } = document;
    !(windows.is_empty() && past.is_empty() && suspend.is_empty() && unknown.is_empty())
}

/// The name of the key that signed a document. Another key of the policy may have its name now.
fn signer(directory: &Directory, kid: &str, name: &str) -> String {
    let is_known = directory.keys.iter().any(|key| key.kid == kid);
    if is_known { name.to_owned() } else { format!("{name} (no longer in the policy)") }
}
