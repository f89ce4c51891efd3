//! The policies that plugins publish in shared data for the control endpoints of their fleet: `plugin/<number>`.
//!
//! A value is the name of the plugin, the digest of the policy, and the policy's sites, rules, declared state and keys in
//! the policy's own JSON form, with a line feed between them.

use std::rc::Rc;

use super::host::HostError;
use super::register::{self, Unused};
use crate::json::{self, Object};
use crate::policy::{Key, Policy, Rule, Site};
use crate::state::{Digest, Document};
use crate::tree::quoted;

const PREFIX: &str = "plugin";

/// The policy of a plugin as it is published.
pub struct Published {
    number: usize,
    pub cas: u32,
    pub plugin: String,
    digest: String,
    pub policy: String,
}

/// The name of a plugin for people: `<plugin name>/<root id>`, or the plugin name if the root id is empty.
pub fn shown_name(plugin: &str) -> &str {
    plugin.strip_suffix('/').unwrap_or(plugin)
}

/// All published policies.
pub fn all() -> Result<Vec<Published>, HostError> {
    let (values, _) = register::numbered(PREFIX)?;
    values
        .into_iter()
        .map(|value| {
            let cas = value.shared.cas;
            let text = register::into_text(value.shared)?;
            let mut parts = text.splitn(3, '\n').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Ok(Published { number: value.number, cas, plugin: next(), digest: next(), policy: next() })
        })
        .collect()
}

/// Publishes a policy, unless it is published already.
pub fn publish(plugin: &str, digest: Digest, policy: impl Fn() -> String) -> Result<(), HostError> {
    let digest = digest.to_string();
    loop {
        let known = all()?.into_iter().find(|published| published.plugin == plugin);
        if known.as_ref().is_some_and(|known| known.digest == digest) {
            return Ok(());
        }
        let Unused { number, cas } = match known {
            Some(known) => Unused { number: known.number, cas: Some(known.cas) },
            None => register::numbered(PREFIX)?.1,
        };
        let value = [plugin, "\n", &digest, "\n", &policy()].concat();
        if register::set(&format!("{PREFIX}/{number}"), value.as_bytes(), cas)? {
            return register::changed().map(drop);
        }
    }
}

impl Published {
    /// Removes the policy of a plugin that no longer runs.
    pub fn remove(&self) -> Result<(), HostError> {
        if register::set(&format!("{PREFIX}/{}", self.number), b"", Some(self.cas))? {
            register::changed()?;
        }
        Ok(())
    }
}

/// Writes the published form of a policy.
pub fn encode(policy: &Policy, declared: &[Rc<Document>]) -> String {
    let mut state = Object::default();
    for document in declared {
        state.raw(&document.site, std::str::from_utf8(&document.payload).unwrap_or("null"));
    }
    let mut object = Object::default();
    object.text("fleet", policy.fleet.as_deref());
    if let Some(prefix) = &policy.control {
        object.raw("control", &["{\"path_prefix\":", &quoted(prefix), "}"].concat());
    }
    object.raw("sites", &json::list(&policy.sites.iter().map(encode_site).collect::<Vec<_>>()));
    object.raw("state", &state.end());
    object.raw("keys", &json::list(&policy.keys.iter().map(encode_key).collect::<Vec<_>>()));
    object.end()
}

fn encode_site(site: &Site) -> String {
    let rule = |rule: &Rc<Rule>| {
        let mut object = Object::default();
        object.text("name", Some(&rule.name));
        // Only the name is used, but a rule needs a condition.
        object.raw("methods", "[\"GET\"]");
        object.end()
    };
    let mut object = Object::default();
    object.text("name", Some(&site.name));
    object.raw("exempt", &json::list(&site.exempt.iter().map(rule).collect::<Vec<_>>()));
    object.end()
}

fn encode_key(key: &Key) -> String {
    let mut object = Object::default();
    object.text("name", Some(&key.name));
    object.raw("jwk", &format!(r#"{{"kty":"OKP","crv":"Ed25519","x":{}}}"#, quoted(&key.x)));
    object.raw("sites", &key.sites.as_ref().map_or_else(|| "[\"*\"]".to_owned(), |sites| json::texts(sites)));
    let may: Vec<String> = key.may.iter().map(|kind| kind.name().to_owned()).collect();
    object.raw("may", &json::texts(&may));
    object.end()
}
