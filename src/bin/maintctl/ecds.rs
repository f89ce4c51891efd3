//! The files of the file target: the operator's policy, alone or within a `TypedExtensionConfig` or the ECDS file that
//! holds one; and the ECDS file that is made from it.

use anyhow::{Context, Result, anyhow, bail};
use envoy_maintenance::tree::Tree;
use serde_json::{Map, Value, json};

use crate::policy_file::{self, Carrier};
use crate::say::shown;

const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const TEXT: &str = "type.googleapis.com/google.protobuf.StringValue";

/// A policy, and the Wasm extension around it, if the file has one.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFile {
    pub policy: Tree,
    /// The whole of a file that is shaped as Envoy reads it.
    around: Option<Map<String, Value>>,
}

impl PolicyFile {
    /// Reads the text of a file.
    pub fn parse(file: &str, text: &str) -> Result<PolicyFile> {
        let mut sources = policy_file::parse(file, text)?;
        let (Some(mut source), true) = (sources.pop(), sources.is_empty()) else {
            bail!("{file}: several documents, where one policy is wanted");
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

    /// Whether the Wasm extension is there.
    pub fn is_whole(&self) -> bool {
        self.around.is_some()
    }

    /// All that it says but for state, so that edits can be told from switches.
    pub fn without_state(&self) -> (Value, Option<Map<String, Value>>) {
        let mut policy = self.policy.to_json();
        policy.as_object_mut().map(|members| members.remove("state"));
        let mut whole = self.around.clone();
        let wasm = whole.as_mut().and_then(|whole| wasm_mut(whole).ok()).map(|wasm| {
            wasm.remove("configuration");
            wasm.clone()
        });
        (policy, wasm)
    }

    /// Another policy within the same extension.
    pub fn with_policy(&self, policy: Tree) -> PolicyFile {
        PolicyFile { policy, around: self.around.clone() }
    }

    /// This policy within the extension of `other`.
    pub fn within(self, other: &PolicyFile) -> PolicyFile {
        other.with_policy(self.policy)
    }

    /// The ECDS file, as JSON, with this policy in its place. It is written as text: a `Struct` would turn numbers above
    /// 2^31 into texts on Envoy's way from YAML.
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
mod tests {
    use super::*;

    const WHOLE: &str = r#"
resources:
- "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
  name: maintenance
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config:
      root_id: maintenance
      vm_config: { vm_id: maintenance, code: { local: { filename: dist/envoy_maintenance.wasm } } }
      configuration: { "@type": type.googleapis.com/google.protobuf.StringValue, value: '{"fleet": "demo"}' }
"#;

    #[test]
    fn a_policy_is_found_in_each_of_its_shapes() {
        let as_struct = WHOLE
            .replace("protobuf.StringValue", "protobuf.Struct")
            .replace(r#"'{"fleet": "demo"}'"#, "{ fleet: demo }");
        let alone = "name: maintenance\ntyped_config: { \"@type\": \
                     type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: { configuration: { \"@type\": \
                     type.googleapis.com/google.protobuf.StringValue, value: '{\"fleet\": \"demo\"}' } } }";
        for (text, whole) in [("fleet: demo", false), (WHOLE, true), (&as_struct, true), (alone, true)] {
            let file = PolicyFile::parse("f", text).unwrap();
            assert_eq!(file.policy.to_json(), json!({ "fleet": "demo" }), "{text}");
            assert_eq!(file.is_whole(), whole, "{text}");
        }
    }

    #[test]
    fn what_is_around_the_policy_stays() {
        let file = PolicyFile::parse("f", WHOLE).unwrap();
        let changed = file.with_policy(Tree::from_json(br#"{"fleet": "other"}"#).unwrap());
        let text = serde_json::to_string_pretty(&changed.to_ecds().unwrap()).unwrap();
        let again = PolicyFile::parse("f", &text).unwrap();
        assert_eq!(again.policy, changed.policy);
        let vm = |file: &PolicyFile| wasm_mut(&mut file.around.clone().unwrap()).unwrap()["vm_config"].clone();
        assert_eq!(vm(&again), vm(&file));
    }

    #[test]
    fn a_policy_alone_takes_the_extension_of_another_file() {
        let alone = PolicyFile::parse("f", "fleet: other").unwrap();
        assert!(alone.to_ecds().is_err());
        let whole = alone.within(&PolicyFile::parse("f", WHOLE).unwrap()).to_ecds().unwrap();
        assert_eq!(PolicyFile::parse("f", &whole.to_string()).unwrap().policy.to_json(), json!({ "fleet": "other" }));
    }

    #[test]
    fn other_shapes_are_refused() {
        let two = WHOLE.replace("resources:", "resources:\n- {}");
        let five = WHOLE.replace("value: '{\"fleet\": \"demo\"}'", "value: 5");
        let text = WHOLE.replace("'{\"fleet\": \"demo\"}'", "'{'");
        for (text, message) in [
            ("resources: []", SHAPE),
            ("typed_config: {}", SHAPE),
            ("static_resources: {}", SHAPE),
            (&two, SHAPE),
            ("fleet: a\n---\nfleet: b", "several documents, where one policy is wanted"),
            (
                &five,
                "resources[0].typed_config.config.configuration: neither a google.protobuf.StringValue with a text as its \
                 `value` nor a google.protobuf.Struct with an object",
            ),
            (
                &text,
                "resources[0].typed_config.config.configuration.value: not JSON: EOF while parsing an object at line 1 column 1",
            ),
        ] {
            assert_eq!(PolicyFile::parse("f", text).unwrap_err().to_string(), format!("f: {message}"), "{text}");
        }
    }
}
