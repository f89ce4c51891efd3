//! The text form of a record in shared data: one line for the VM, the *head*, and then the *body*, which has one line for
//! each root context and below it one line for each of its sites.
//!
//! ```text
//! <identity> <joined> <seen> <heartbeat> <awake since> <version>
//! * <configured> <standing> <fleet> <plugin>
//! <site> <document>
//! ```
//!
//! The head changes at least once a second. The body can be large and changes only with its version, so the two are
//! written and read separately. A missing fleet is written as `-`. The plugin comes last, because its name may contain spaces.

use std::rc::Rc;

use super::{RootRecord, Standing, Vm};
use crate::byte_index::ByteMap;
use crate::time::Time;

const NO_FLEET: &str = "-";

const STANDINGS: [(&str, Standing); 4] = [
    ("fresh", Standing::Fresh),
    ("serving", Standing::Serving),
    ("reactivated", Standing::Reactivated),
    ("conflicting", Standing::Conflicting),
];

/// Writes the head of a record.
pub fn encode_head(vm: &Vm) -> String {
    let Vm { identity, joined, seen, heartbeat, awake_since, version, roots: _ } = vm;
    format!("{identity} {joined} {seen} {} {} {version}\n", heartbeat.0, awake_since.0)
}

/// Appends a root context that is a member to a body.
pub fn encode_root(body: &mut String, plugin: &str, fleet: &str, configured: u64, standing: Standing) {
    let fleet = if fleet.is_empty() { NO_FLEET } else { fleet };
    if let Some((standing, _)) = STANDINGS.iter().find(|(_, known)| *known == standing) {
        body.extend(["* ", &configured.to_string(), " ", standing, " ", fleet, " ", plugin, "\n"]);
    }
}

/// Appends a site to a body, below its root context.
pub fn encode_site(body: &mut String, site: &str, document: &str) {
    body.extend([site, " ", document, "\n"]);
}

/// Reads the head of a record, and returns the body unread. The `roots` of the result are empty.
pub fn decode_head(record: &str) -> Option<(Vm, &str)> {
    let (head, body) = record.split_once('\n')?;
    let mut parts = head.split(' ');
    let identity = parts.next()?.to_owned();
    let joined = parts.next()?.parse().ok()?;
    let seen = parts.next()?.parse().ok()?;
    let heartbeat = Time(parts.next()?.parse().ok()?);
    let awake_since = Time(parts.next()?.parse().ok()?);
    let version = parts.next()?.parse().ok()?;
    Some((Vm { identity, joined, seen, heartbeat, awake_since, version, roots: Rc::default() }, body))
}

/// Reads the body of a record.
pub fn decode_body(body: &str) -> Option<Rc<[RootRecord]>> {
    let mut roots: Vec<RootRecord> = Vec::new();
    for line in body.lines() {
        if let Some(root) = line.strip_prefix("* ") {
            roots.push(decode_root(root)?);
        } else {
            let (site, document) = line.split_once(' ')?;
            roots.last_mut()?.adopted.insert(site.as_bytes(), document.to_owned());
        }
    }
    Some(roots.into())
}

fn decode_root(line: &str) -> Option<RootRecord> {
    let mut parts = line.splitn(4, ' ');
    let configured = parts.next()?.parse().ok()?;
    let standing = parts.next()?;
    let (_, standing) = STANDINGS.iter().find(|(name, _)| *name == standing)?;
    let fleet = parts.next().filter(|fleet| *fleet != NO_FLEET).unwrap_or_default().to_owned();
    let plugin = parts.next()?.to_owned();
    Some(RootRecord { plugin, fleet, configured, standing: *standing, adopted: ByteMap::default() })
}
