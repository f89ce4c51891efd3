//! What this Envoy says of its sites, as JSON. The short status is kept until something changes; the full one, for those
//! with a read token, is written for each request.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;

use super::directory::{Current, Directory, KnownSite};
use super::host::HostError;
use super::json::{self, Object};
use super::root::Root;
use super::vms::{Members, MembersVersion};
use super::{documents, register, stats};
use crate::state::{Document, EffectiveState};
use crate::time::Time;
use crate::tree::Tree;

thread_local! {
    /// The short status of this thread's fleets.
    static SHORT: RefCell<Vec<Short>> = const { RefCell::new(Vec::new()) };
    /// The generation whose documents have all been read.
    static READ: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Reads the documents of all sites that a control endpoint here answers for, at most `left` of them, so that no request
/// has to.
pub fn prepare(roots: &[Rc<Root>], generation: u64, left: &mut u32) -> Result<(), HostError> {
    if READ.get() == Some(generation) {
        return Ok(());
    }
    for root in roots.iter().filter(|root| root.policy.control.is_some() && root.standing().is_member()) {
        for site in &Directory::of(root.fleet())?.sites {
            let entry = documents::at(generation, root.fleet(), &site.name)?.filter(|entry| !entry.is_read());
            if let Some(entry) = entry {
                if *left == 0 {
                    return Ok(());
                }
                *left -= 1;
                let _ = entry.content();
            }
        }
    }
    READ.set(Some(generation));
    Ok(())
}

/// The short status of a fleet, and what it was made from.
struct Short {
    fleet: String,
    directory: Rc<Directory>,
    generation: u64,
    members: MembersVersion,
    span: Span,
    sites: Vec<Part>,
    text: Rc<str>,
}

/// What the status says of a site, but for its workers.
struct Part {
    label: Rc<str>,
    span: Span,
    text: String,
}

/// A time in which nothing changes by itself.
#[derive(Clone, Copy)]
struct Span {
    from: Time,
    until: Option<Time>,
}

impl Span {
    fn has(&self, now: Time) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// The short status of all sites of `fleet`: a JSON list.
pub fn short(fleet: &str, now: Time) -> Result<Rc<str>, HostError> {
    let directory = Directory::of(fleet)?;
    let generation = register::generation()?;
    let members = Members::read(now)?;
    let version = members.version();
    SHORT.with_borrow_mut(|known| {
        let is_good = |short: &&Short| {
            short.generation == generation
                && short.members == version
                && short.span.has(now)
                && Rc::ptr_eq(&short.directory, &directory)
        };
        let place = known.iter().position(|short| short.fleet == fleet);
        let before = place.map(|place| known.swap_remove(place));
        if let Some(good) = before.as_ref().filter(is_good) {
            let text = Rc::clone(&good.text);
            known.extend(before);
            return Ok(text);
        }
        let before = before.filter(|before| Rc::ptr_eq(&before.directory, &directory));
        let mut parts = before.map(|before| before.sites).unwrap_or_default().into_iter();
        let mut short = Short {
            fleet: fleet.to_owned(),
            generation,
            members: version,
            span: Span { from: now, until: None },
            sites: Vec::with_capacity(directory.sites.len()),
            text: "".into(),
            directory,
        };
        let mut text = String::with_capacity(short.directory.sites.len() * 256);
        for site in &short.directory.sites {
            let current = site.current(generation, fleet)?;
            let label = current.as_ref().map_or_else(|| "-".into(), |current| Rc::clone(&current.label));
            let part = parts.next().filter(|part| part.label == label && part.span.has(now));
            let part = part.unwrap_or_else(|| part_of(site, current.as_ref(), label, now));
            text.push_str(if text.is_empty() { "[{" } else { "},{" });
            text.push_str(&part.text);
            write_workers(&mut text, fleet, site, &part.label, &members);
            short.span.until = [short.span.until, part.span.until].into_iter().flatten().min();
            short.sites.push(part);
        }
        text.push_str(if text.is_empty() { "[]" } else { "}]" });
        short.text = text.into();
        let text = Rc::clone(&short.text);
        known.push(short);
        Ok(text)
    })
}

fn part_of(site: &KnownSite, current: Option<&Current>, label: Rc<str>, now: Time) -> Part {
    let situation = situation(current, now);
    let until = current.and_then(|current| current.document.next_change(now));
    Part { label, span: Span { from: now, until }, text: site_text(site, current, &situation) }
}

fn situation(current: Option<&Current>, now: Time) -> EffectiveState {
    current.map(|current| current.document.at(now)).unwrap_or_default()
}

fn site_text(site: &KnownSite, current: Option<&Current>, situation: &EffectiveState) -> String {
    let active: Vec<String> = situation.modes().strictest_first().map(|mode| mode.name().to_owned()).collect();
    let stamp = current.map(|current| current.document.stamp);
    let mut object = Object::new();
    object.text("site", Some(&site.name));
    object.text("mode", Some(situation.mode().name()));
    object.raw("active", &json::texts(&active));
    object.number("revision", stamp.map_or(0, |stamp| stamp.revision));
    object.text("digest", stamp.map(|stamp| stamp.digest.to_string()).as_deref());
    object.text("channel", current.map(|current| current.channel.name()));
    object.into_members()
}

fn write_workers(text: &mut String, fleet: &str, site: &KnownSite, label: &str, members: &Members) {
    let workers = members.workers(fleet, &site.name, label);
    let _ = write!(text, r#","workers":{{"members":{},"adopted":{}}}"#, workers.members, workers.adopted);
}

/// The full status of a fleet.
pub struct Full {
    /// All sites: a JSON list.
    pub sites: String,
    /// The plugins that receive requests beside another one of the same name.
    pub plugin_conflicts: Vec<String>,
}

/// The full status of a fleet.
pub fn full(directory: &Directory, fleet: &str, now: Time) -> Result<Full, HostError> {
    let generation = register::generation()?;
    let members = Members::read(now)?;
    let mut sites = Vec::with_capacity(directory.sites.len());
    for site in &directory.sites {
        let current = site.current(generation, fleet)?;
        let current = current.as_ref();
        let situation = situation(current, now);
        let mut text = site_text(site, current, &situation);
        write_workers(&mut text, fleet, site, current.map_or("-", |current| &current.label), &members);
        let mut object = Object::new();
        object.members(&text);
        more(&mut object, directory, site, current, &situation);
        sites.push(object.end());
    }
    Ok(Full { sites: json::list(&sites), plugin_conflicts: members.conflicts() })
}

/// What only those with a read token are told of a site.
fn more(
    object: &mut Object,
    directory: &Directory,
    site: &KnownSite,
    current: Option<&Current>,
    situation: &EffectiveState,
) {
    let document = current.map(|current| &*current.document);
    let times = [("since", situation.since()), ("until", situation.until()), ("eta", situation.eta())];
    for (name, time) in times {
        object.text(name, time.map(|time| time.to_string()).as_deref());
    }
    object.text("reason", situation.reason());
    object.text("by", document.and_then(|document| document.by.as_deref()));
    object.text("note", document.and_then(|document| document.note.as_deref()));
    let signed_by = current.and_then(|current| current.signed_by.as_ref()).map(|(_, name)| {
        let known = directory.keys.iter().any(|key| key.name == *name);
        if known { name.clone() } else { format!("{name} (no longer in the policy)") }
    });
    object.text("signed_by", signed_by.as_deref());

    object.raw("lacks_key", &json::texts(&site.lacks_key(current)));

    // Lists are shown as they were written. Most documents have none, and need not be read again.
    let has_lists = |document: &&Document| {
        let Document { windows, past, suspend, unknown, .. } = document;
        !(windows.is_empty() && past.is_empty() && suspend.is_empty() && unknown.is_empty())
    };
    let tree = document.filter(has_lists).and_then(|document| Tree::from_json(&document.payload).ok());
    for name in ["windows", "past", "suspend"] {
        let list = tree.as_ref().and_then(|tree| tree.get(name)).map(|list| list.to_json_text());
        object.raw(name, list.as_deref().unwrap_or("[]"));
    }
    let suspended = document.map(|document| document.suspend.as_slice()).unwrap_or_default();
    let unknown: Vec<String> = suspended.iter().filter(|rule| !site.rules.contains(rule)).cloned().collect();
    object.raw("suspend_unknown", &json::texts(&unknown));
    object
        .raw("unknown_fields", &json::texts(document.map(|document| document.unknown.as_slice()).unwrap_or_default()));

    object.number("refused", stats::value(&stats::refused_name(&site.name)));
    let mut bypassed = Object::new();
    for rule in &site.rules {
        bypassed.number(rule, stats::value(&stats::bypassed_name(&site.name, rule)));
    }
    object.raw("bypassed", &bypassed.end());
    object.raw("declared", if site.is_declared() { "true" } else { "false" });
    let payload = document.and_then(|document| std::str::from_utf8(&document.payload).ok());
    object.raw("document", payload.unwrap_or("null"));
}
