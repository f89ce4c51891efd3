//! `maintctl keys`: lists the keys that may change sites, as Envoys report them.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::KeysArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::diagnosis::remark::Topic;
use crate::envoys::roll::Roll;
use crate::envoys::status::EnvoyStatus;
use crate::exit::ExitError;
use crate::terminal::output;
use crate::terminal::table::{Cell, table};
use crate::terminal::times::deadline;
use crate::view::View;

/// A key with the same rights in the same plugins of one or several Envoys.
#[derive(Debug, PartialEq)]
struct KeyRights {
    name: String,
    kid: String,
    sites: Vec<String>,
    may: Vec<String>,
    plugins: Vec<String>,
    envoys: Vec<String>,
}

impl KeyRights {
    /// True if both have the same key with the same rights.
    fn has_rights_of(&self, other: &KeyRights) -> bool {
        (&self.name, &self.kid, &self.sites, &self.may) == (&other.name, &other.kid, &other.sites, &other.may)
    }
}

pub fn run(global: &Global, args: &KeysArgs) -> Result<ExitCode> {
    let target = Target::load(global)?;
    let view = View::of(&target, deadline(args.timeout))?;
    view.roll.require_any("")?;
    let own = target.kid();
    if let Some(hidden) = view.remarks.iter().find(|remark| remark.topic == Topic::Key) {
        bail!(ExitError::Rejected(format!("Envoys show their keys only to a key of the policy; {}", hidden.line())));
    }
    let keys = rights(&view.roll);
    if args.json {
        answer!("{}", keys.iter().map(|key| key_json(key, own.as_deref())).collect::<Value>());
    } else if keys.is_empty() {
        aside!("no policy has a key");
    } else {
        output::script(&format!("{}\n", text(&keys, own.as_deref(), view.roll.total())))?;
    }
    if !keys.iter().any(|key| Some(&key.kid) == own.as_ref()) && own.is_some() {
        aside!("warning: no policy has the key of maintctl.toml; add the JWK that `maintctl init` prints to `keys`");
    }
    if let Some(unread) = view.roll.unread("") {
        bail!(ExitError::NotAdopted(unread));
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys of all Envoys. Envoys in which a key has the same rights in the same plugins share an entry.
fn rights(roll: &Roll) -> Vec<KeyRights> {
    let mut all: Vec<KeyRights> = Vec::new();
    for found in roll.envoys.iter().flat_map(|envoy| rights_in(&envoy.status)) {
        match all.iter_mut().find(|known| known.has_rights_of(&found) && known.plugins == found.plugins) {
            Some(known) => known.envoys.extend(found.envoys),
            None => all.push(found),
        }
    }
    all.sort_by(|a, b| (&a.name, &a.kid, &a.plugins).cmp(&(&b.name, &b.kid, &b.plugins)));
    all
}

/// The keys of one Envoy. Plugins that give a key the same rights share an entry.
fn rights_in(status: &EnvoyStatus) -> Vec<KeyRights> {
    let mut all: Vec<KeyRights> = Vec::new();
    for plugin in &status.plugins {
        for key in &plugin.keys {
            let found = KeyRights {
                name: key.name.clone(),
                kid: key.kid.clone(),
                sites: key.sites.clone(),
                may: key.may.clone(),
                plugins: vec![plugin.name.clone()],
                envoys: vec![status.envoy.clone()],
            };
            match all.iter_mut().find(|known| known.has_rights_of(&found)) {
                Some(known) if known.plugins.contains(&plugin.name) => {}
                Some(known) => known.plugins.push(plugin.name.clone()),
                None => all.push(found),
            }
        }
    }
    for key in &mut all {
        key.plugins.sort();
    }
    all
}

fn text(keys: &[KeyRights], own: Option<&str>, total: usize) -> String {
    let row = |key: &KeyRights| -> Vec<Cell> {
        let mark = if Some(key.kid.as_str()) == own { " (own)" } else { "" };
        [
            format!("{}{mark}", key.name),
            key.kid.clone(),
            key.sites.join(", "),
            key.may.join(", "),
            key.plugins.join(", "),
            format!("{}/{total}", key.envoys.len()),
        ]
        .map(Cell::from)
        .into()
    };
    table(&["KEY", "KID", "SITES", "MAY", "PLUGINS", "ENVOYS"], &keys.iter().map(row).collect::<Vec<_>>())
}

fn key_json(key: &KeyRights, own: Option<&str>) -> Value {
    let KeyRights { name, kid, sites, may, plugins, envoys } = key;
    json!({
        "name": name, "kid": kid, "own": Some(kid.as_str()) == own, "sites": sites, "may": may, "plugins": plugins,
        "envoys": envoys,
    })
}
