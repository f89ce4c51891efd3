//! A policy file in any of its shapes: the policy alone, or within a `TypedExtensionConfig` or the ECDS file that holds
//! one; and the ECDS file that is made from it.

use anyhow::{Context, Result, bail};
use envoy_maintenance::tree::Tree;
use serde_json::{Map, Value, json};

const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const TEXT: &str = "type.googleapis.com/google.protobuf.StringValue";
const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

/// A policy, and the Wasm extension around it, if the file has one.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFile {
    pub policy: Tree,
    /// The whole of a file that is shaped as Envoy reads it.
    around: Option<Map<String, Value>>,
}

impl PolicyFile {
    /// Reads YAML, or JSON, which is YAML too.
    pub fn read(text: &str) -> Result<PolicyFile> {
        let tree: Tree = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("not YAML: {error}"))?;
        let tree = if tree == Tree::Null { Tree::Map(Vec::new()) } else { tree };
        let Value::Object(whole) = tree.to_json() else { bail!("{tree} is {}, not a policy", tree.kind()) };
        let whole = match (whole.contains_key("resources"), whole.contains_key("typed_config")) {
            (false, false) => {
                return Ok(PolicyFile { policy: tree, around: None });
            }
            (true, _) => whole,
            (false, true) => Map::from_iter([("resources".to_owned(), json!([whole]))]),
        };
        let configuration = wasm(&whole)?.get("configuration");
        Ok(PolicyFile { policy: policy(configuration)?, around: Some(whole) })
    }

    /// Whether the Wasm extension is there.
    pub fn is_whole(&self) -> bool {
        self.around.is_some()
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

const SHAPE: &str = "`resources` is not one TypedExtensionConfig with `typed_config.config` of the Wasm filter";

fn wasm(whole: &Map<String, Value>) -> Result<&Map<String, Value>> {
    match whole.get("resources").and_then(Value::as_array).map(Vec::as_slice) {
        Some([resource]) => resource.pointer("/typed_config/config").and_then(Value::as_object).context(SHAPE),
        _ => bail!(SHAPE),
    }
}

fn wasm_mut(whole: &mut Map<String, Value>) -> Result<&mut Map<String, Value>> {
    let list = whole.get_mut("resources").context(SHAPE)?;
    list.pointer_mut("/0/typed_config/config").and_then(Value::as_object_mut).context(SHAPE)
}

fn policy(configuration: Option<&Value>) -> Result<Tree> {
    let Some(configuration) = configuration else {
        return Ok(Tree::Map(Vec::new()));
    };
    let value = configuration.get("value");
    match (configuration.get("@type").and_then(Value::as_str), value) {
        (Some(TEXT), Some(Value::String(text))) => Ok(Tree::from_plugin_configuration(text.as_bytes())?),
        (Some(STRUCT), Some(value)) => Ok(Tree::from_json(value.to_string().as_bytes())?),
        (Some(TEXT | STRUCT), None) => Ok(Tree::Map(Vec::new())),
        _ => {
            bail!("`configuration` is neither a StringValue nor a Struct, with `@type` and `value`")
        }
    }
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
        let alone = "name: maintenance\ntyped_config: { config: { configuration: { \"@type\": \
                     type.googleapis.com/google.protobuf.StringValue, value: '{\"fleet\": \"demo\"}' } } }";
        for (text, whole) in [("fleet: demo", false), (WHOLE, true), (&as_struct, true), (alone, true)] {
            let file = PolicyFile::read(text).unwrap();
            assert_eq!(file.policy.to_json(), json!({ "fleet": "demo" }), "{text}");
            assert_eq!(file.is_whole(), whole, "{text}");
        }
    }

    #[test]
    fn what_is_around_the_policy_stays() {
        let file = PolicyFile::read(WHOLE).unwrap();
        let changed = file.with_policy(Tree::from_json(br#"{"fleet": "other"}"#).unwrap());
        let text = serde_json::to_string_pretty(&changed.to_ecds().unwrap()).unwrap();
        let again = PolicyFile::read(&text).unwrap();
        assert_eq!(again.policy, changed.policy);
        let vm = |file: &PolicyFile| wasm(file.around.as_ref().unwrap()).unwrap().get("vm_config").cloned().unwrap();
        assert_eq!(vm(&again), vm(&file));
    }

    #[test]
    fn a_policy_alone_takes_the_extension_of_another_file() {
        let alone = PolicyFile::read("fleet: other").unwrap();
        assert!(alone.to_ecds().is_err());
        let whole = alone.within(&PolicyFile::read(WHOLE).unwrap()).to_ecds().unwrap();
        assert_eq!(PolicyFile::read(&whole.to_string()).unwrap().policy.to_json(), json!({ "fleet": "other" }));
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in
            ["resources: []", "- a", "typed_config: {}", "resources: [{typed_config: {config: {configuration: 5}}}]"]
        {
            assert!(PolicyFile::read(text).is_err(), "{text}");
        }
    }
}
