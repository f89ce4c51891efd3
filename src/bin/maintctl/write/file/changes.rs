//! The differences between the policy in the watched file and the operator's policy. Documents are no part of a policy.

use std::collections::BTreeSet;
use std::fmt;

use envoy_maintenance::state::Mode;
use serde_json::{Map, Value, json};

use crate::document::describe;
use crate::terminal::times;
use crate::write::file::ecds::PolicyFile;
use crate::write::file::entries::{self, StateEntries};
use crate::write::file::policies::{EditedPolicy, WatchedFile};

/// One change that the operator's policy brings into the watched file.
#[derive(Clone, Debug)]
pub enum PolicyChange {
    /// The state of a site is no longer declared.
    DroppedPin {
        site: String,
        /// The modes after and before, such as `ONLINE (was OFFLINE)`; `None` if a command closes the site anyway.
        modes: Option<String>,
    },
    /// Another change, as text.
    Other(String),
}

impl fmt::Display for PolicyChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyChange::Other(text) => formatter.write_str(text),
            PolicyChange::DroppedPin { site, modes: None } => write!(formatter, "{site} is no longer declared"),
            PolicyChange::DroppedPin { site, modes: Some(modes) } => {
                write!(formatter, "{site} is no longer declared, and is {modes}")
            }
        }
    }
}

/// The changes that the operator's policy brings into the watched file.
pub fn between(watched: &WatchedFile, edited: &EditedPolicy) -> Vec<PolicyChange> {
    let old_sites: BTreeSet<String> = entries::sites(&watched.file.policy).unwrap_or_default().into_iter().collect();
    let new_sites: BTreeSet<String> = entries::names(&edited.config).into_iter().collect();
    let now = times::time(&times::now());
    let added = new_sites.difference(&old_sites).map(|site| format!("site {site} added"));
    let removed = old_sites.difference(&new_sites).map(|site| match watched.entries.mode(site, now) {
        Mode::Online => format!("site {site} removed"),
        mode => format!("site {site} removed (was {})", describe::label(mode)),
    });
    let mut changes: Vec<PolicyChange> = added.chain(removed).map(PolicyChange::Other).collect();
    let pins = StateEntries::pins_of(&edited.file.policy);
    changes.extend(new_sites.iter().filter_map(|site| of_pin(site, &watched.entries, &pins)));
    let fields = fields(&watched.file, &edited.file);
    if !fields.is_empty() {
        changes.push(PolicyChange::Other(format!("changed fields: {}", fields.join(", "))));
    }
    changes
}

/// The policy in the watched file, with the plugin around it. Documents are no part of it.
pub fn policy(file: &PolicyFile, entries: &StateEntries) -> Value {
    json!({ "plugin": file.plugin(), "policy": entries.pins().within(&file.policy) })
}

/// The operator's policy in the same form.
pub fn edited_policy(edited: &EditedPolicy) -> Value {
    policy(&edited.file, &StateEntries::pins_of(&edited.file.policy))
}

/// The change of a site's declared state.
fn of_pin(site: &str, entries: &StateEntries, new: &StateEntries) -> Option<PolicyChange> {
    let old = entries.pins();
    if old.get(site) == new.get(site) {
        return None;
    }
    let now = times::time(&times::now());
    let (was, is) = (entries.mode(site, now), new.mode(site, now));
    let was = if was == is { String::new() } else { format!(" (was {})", describe::label(was)) };
    let is = describe::label(is);
    Some(match new.get(site) {
        Some(_) => PolicyChange::Other(format!("{site} is declared {is}{was}")),
        None => PolicyChange::DroppedPin { site: site.to_owned(), modes: Some(format!("{is}{was}")) },
    })
}

/// The names of the fields that differ, apart from `state`. Each site that both policies have is a field of its own.
fn fields(watched: &PolicyFile, edited: &PolicyFile) -> Vec<String> {
    let (old, new) = (members(watched), members(edited));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |name: &&String| {
        let is_site_of_one = name.starts_with(SITES) && (old.get(*name).is_none() || new.get(*name).is_none());
        old.get(*name) != new.get(*name) && !is_site_of_one
    };
    names.into_iter().filter(differs).cloned().collect()
}

/// The prefix of the fields for sites.
const SITES: &str = "sites.";

/// The fields of a policy without `state`, and of the plugin around it.
fn members(file: &PolicyFile) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in file.policy.to_json().as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("state", _) => {}
            ("sites", Value::Array(sites)) => members.extend(sites.iter().map(|site| {
                let name = site.get("name").and_then(Value::as_str).unwrap_or_default();
                (format!("{SITES}{name}"), site.clone())
            })),
            _ => drop(members.insert(name.clone(), value.clone())),
        }
    }
    members.extend(file.plugin().into_iter().map(|(name, value)| (format!("plugin.{name}"), value)));
    members
}

#[cfg(test)]
mod tests;
