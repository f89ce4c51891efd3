//! Tests of finding policies in files.

use super::*;

const WASM_FILTER: &str = r#"
"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
config:
  name: NAME
  configuration: { "@type": type.googleapis.com/google.protobuf.TYPE, value: VALUE }
"#;

fn filter(name: &str, kind: &str, value: &str) -> String {
    WASM_FILTER.replace("NAME", name).replace("TYPE", kind).replace("VALUE", value)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn found(text: &str) -> Vec<(String, String)> {
    let sources = parse("file", text).unwrap();
    let policies = sources.into_iter().flat_map(|source| source.policies);
    policies
        .map(|found| {
            (found.at.clone(), found.policy.map_or_else(|error| error.to_string(), |tree| tree.to_json().to_string()))
        })
        .collect()
}

#[test]
fn a_policy_is_found_in_each_supported_form() {
    let text = filter("a", "StringValue", r#"'{"fleet": "f"}'"#);
    let value = filter("a", "Struct", "{ fleet: f }");
    let typed_struct = "type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n\
        \"@type\": type.googleapis.com/xds.type.v3.TypedStruct\nvalue:\n  config:\n    configuration:\n      \
        \"@type\": type.googleapis.com/google.protobuf.Struct\n      value: { fleet: f }\n";
    let ecds = format!("resources:\n- name: maintenance\n  typed_config:\n{}", indented(&indented(&text)));
    let bootstrap =
        format!("static_resources:\n  filters:\n  - typed_config:\n{}", indented(&indented(&indented(&value))));
    for (text, at) in [
        ("fleet: f", ""),
        (r#"{"fleet": "f"}"#, ""),
        (&text, "config.configuration.value"),
        (&value, "config.configuration.value"),
        (typed_struct, "value.config.configuration.value"),
        (&ecds, "resources[0].typed_config.config.configuration.value"),
        (&bootstrap, "static_resources.filters[0].typed_config.config.configuration.value"),
        ("kind: WasmPlugin\nspec: { pluginConfig: { fleet: f } }", "spec.pluginConfig"),
        ("kind: TrafficExtension\nspec: { wasm: { pluginConfig: { fleet: f } } }", "spec.wasm.pluginConfig"),
        (
            "kind: List\nitems: [{ kind: WasmPlugin, spec: { pluginConfig: { fleet: f } } }]",
            "items[0].spec.pluginConfig",
        ),
        ("kind: Service\n---\nkind: WasmPlugin\nspec: { pluginConfig: { fleet: f } }", "spec.pluginConfig"),
    ] {
        assert_eq!(found(text), [(at.to_owned(), r#"{"fleet":"f"}"#.to_owned())], "{text}");
    }
}

#[test]
fn a_missing_configuration_is_an_empty_policy() {
    for text in ["", "# nothing", "kind: WasmPlugin\nspec: { url: x }", &filter("a", "Struct", "null")] {
        let policies: Vec<String> = found(text).into_iter().map(|(_, policy)| policy).collect();
        assert_eq!(policies, ["{}"], "{text}");
    }
}

#[test]
fn other_wasm_plugins_are_ignored_if_one_names_this_filter() {
    let text =
        format!("{}---{}", filter("other", "Struct", "{ a: 1 }"), filter("maintenance", "Struct", "{ fleet: f }"));
    let one = format!(
        "kind: X\na:\n{}b:\n{}",
        indented(&filter("other", "Struct", "{ a: 1 }")),
        indented(&filter("maintenance", "Struct", "{ fleet: f }"))
    );
    assert_eq!(found(&text).len(), 2);
    assert_eq!(found(&one), [("b.config.configuration.value".to_owned(), r#"{"fleet":"f"}"#.to_owned())]);
}

#[test]
fn a_configuration_that_is_not_a_policy_is_an_error_with_its_key_path() {
    let neither =
        "neither a google.protobuf.StringValue with a text as its `value` nor a google.protobuf.Struct with an object";
    for (text, message) in [
        (filter("a", "StringValue", "'{'"), "not JSON: EOF while parsing an object at line 1 column 1"),
        (filter("a", "StringValue", "{ a: 1 }"), neither),
        (filter("a", "BytesValue", "e30="), neither),
    ] {
        assert_eq!(found(&text).first().map(|(_, policy)| policy.as_str()), Some(message), "{text}");
    }
}

#[test]
fn a_file_that_is_not_yaml_is_an_error_with_its_name() {
    let error = parse("file", "a: [").unwrap_err().to_string();
    assert!(error.starts_with("file: not YAML: line "), "{error}");
    let error = parse("file", "a: 1\na: 2").unwrap_err().to_string();
    assert!(error.contains("duplicate") && !error.contains("Options"), "{error}");
}

#[test]
fn the_policy_to_explain_is_that_of_the_plugin_or_the_only_one_with_sites() {
    let choose = |text: &str, plugin| {
        let sources = parse("file", text).unwrap().into_iter();
        let found =
            sources.flat_map(|source| source.policies.into_iter().map(move |found| (source.name.clone(), found)));
        choose("file", found.collect(), plugin)
            .map(|(name, found)| (name, found.name.unwrap_or_default()))
            .map_err(|error| error.to_string())
    };
    let data = filter("data", "Struct", "{ sites: [{ name: a }] }");
    let control = filter("control", "Struct", "{ sites: [] }");
    let ok = |name: &str, plugin: &str| Ok((name.to_owned(), plugin.to_owned()));
    assert_eq!(choose(&format!("{data}---{control}"), None), ok("file (document 1)", "data"));
    assert_eq!(choose(&format!("{data}---{control}"), Some("control")), ok("file (document 2)", "control"));
    assert_eq!(choose(&control, None), ok("file", "control"));
    let several = "file: several policies; select one with --plugin (plugins: \"data\", \"data\")".to_owned();
    assert_eq!(choose(&format!("{data}---{data}"), None), Err(several));
    let none = "file: unknown plugin \"dat\"; did you mean \"data\"? (plugins: \"data\", \"control\")".to_owned();
    assert_eq!(choose(&format!("{data}---{control}"), Some("dat")), Err(none));
    let unnamed = "file: unknown plugin \"nope\" (no plugin has a name)".to_owned();
    assert_eq!(choose("fleet: f", Some("nope")), Err(unnamed));
    assert_eq!(choose("kind: Service", None), Err("file: no policy found".to_owned()));
}
