//! `maintctl keys`: lists the keys that may change sites, as Envoys report them.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::KeysArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::diagnosis::remark::Topic;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::output;
use crate::terminal::table::{Cell, table};
use crate::terminal::times::deadline;
use crate::view::View;

/// A key with the same rights in one or several plugins.
#[derive(Debug, PartialEq)]
struct KeyRights {
    name: String,
    kid: String,
    sites: Vec<String>,
    may: Vec<String>,
    plugins: Vec<String>,
    envoys: Vec<String>,
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

/// The keys of all plugins. Plugins that give a key the same rights share an entry.
fn rights(roll: &Roll) -> Vec<KeyRights> {
    let mut all: Vec<KeyRights> = Vec::new();
    for envoy in &roll.envoys {
        let name = &envoy.status.envoy;
        for (plugin, key) in
            envoy.status.plugins.iter().flat_map(|plugin| plugin.keys.iter().map(move |key| (plugin, key)))
        {
            let known = all.iter_mut().find(|known| {
                known.kid == key.kid && known.name == key.name && known.sites == key.sites && known.may == key.may
            });
            let Some(known) = known else {
                all.push(KeyRights {
                    name: key.name.clone(),
                    kid: key.kid.clone(),
                    sites: key.sites.clone(),
                    may: key.may.clone(),
                    plugins: vec![plugin.name.clone()],
                    envoys: vec![name.clone()],
                });
                continue;
            };
            for (list, name) in [(&mut known.plugins, &plugin.name), (&mut known.envoys, name)] {
                if !list.contains(name) {
                    list.push(name.clone());
                }
            }
        }
    }
    all.sort_by(|a, b| (&a.name, &a.kid).cmp(&(&b.name, &b.kid)));
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
