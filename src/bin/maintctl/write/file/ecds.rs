//! The form of both files of a target: the operator's policy, alone or in a `TypedExtensionConfig` or an ECDS file, and
//! the generated ECDS file.

use anyhow::{Context, Result, anyhow, bail};
use envoy_maintenance::tree::Tree;
use serde_json::{Map, Value, json};

use crate::config::policy_file::{self, Carrier};
use crate::terminal::output::shown;

const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const TEXT: &str = "type.googleapis.com/google.protobuf.StringValue";

/// A policy, and the ECDS file around it, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFile {
    pub policy: Tree,
    /// The ECDS file.
    around: Option<Map<String, Value>>,
}

impl PolicyFile {
    /// Reads the text of a file.
    pub fn parse(file: &str, text: &str) -> Result<PolicyFile> {
        let mut sources = policy_file::parse(file, text)?;
        let (Some(mut source), true) = (sources.pop(), sources.is_empty()) else {
            bail!("{file}: has several documents; write one policy");
        };
        let (Some(found), true) = (source.policies.pop(), source.policies.is_empty()) else { bail!("{file}: {SHAPE}") };
        let whole = source.tree.to_json();
        let is_one = whole.pointer("/resources/1").is_none();
        let around = match (found.carrier, found.plugin.as_str(), whole) {
            (Carrier::Bare, ..) => None,
            (Carrier::Envoy, "resources[0].typed_config.config", Value::Object(whole)) if is_one => Some(whole),
            (Carrier::Envoy, "typed_config.config", extension) => {
                Some(Map::from_iter([("resources".to_owned(), json!([extension]))]))
            }
            _ => bail!("{file}: {SHAPE}"),
        };
        let refused =
            |path: &str, problem: &str| anyhow!("{file}: {}", shown(&format!("{}: {problem}", found.place(path))));
        let policy = found.policy.as_ref().map_err(|error| refused(&error.path, &error.problem))?.clone();
        Ok(PolicyFile { policy, around })
    }

    /// True if the file has the Wasm extension.
    pub fn is_whole(&self) -> bool {
        self.around.is_some()
    }

    /// The configuration of the Wasm filter around the policy; empty if the file has only the policy.
    pub fn plugin(&self) -> Map<String, Value> {
        let mut whole = self.around.clone();
        let wasm = whole.as_mut().and_then(|whole| wasm_mut(whole).ok());
        let mut plugin = wasm.cloned().unwrap_or_default();
        plugin.remove("configuration");
        plugin
    }

    /// Another policy in the same extension.
    pub fn with_policy(&self, policy: Tree) -> PolicyFile {
        PolicyFile { policy, around: self.around.clone() }
    }

    /// This policy in the extension of `other`.
    pub fn within(self, other: &PolicyFile) -> PolicyFile {
        other.with_policy(self.policy)
    }

    /// The ECDS file as JSON. The policy is JSON text in it, because Envoy's YAML reader turns numbers above 2^31 in a
    /// `Struct` into text.
    pub fn to_ecds(&self) -> Result<Value> {
        let mut whole = self.around.clone().context("the Wasm extension around the policy is missing")?;
        let configuration = json!({ "@type": TEXT, "value": self.policy.to_json().to_string() });
        wasm_mut(&mut whole)?.insert("configuration".to_owned(), configuration);
        if let Some(Value::Object(resource)) = whole.get_mut("resources").and_then(|list| list.get_mut(0)) {
            resource.remove("@type");
            resource.insert("@type".to_owned(), EXTENSION.into());
        }
        Ok(Value::Object(whole))
    }
}

const SHAPE: &str = "neither a policy nor an ECDS file: `resources` with one TypedExtensionConfig, whose `typed_config.config` \
                     is that of the Wasm filter";

fn wasm_mut(whole: &mut Map<String, Value>) -> Result<&mut Map<String, Value>> {
    let list = whole.get_mut("resources").context(SHAPE)?;
    list.pointer_mut("/0/typed_config/config").and_then(Value::as_object_mut).context(SHAPE)
}

#[cfg(test)]
mod tests;
