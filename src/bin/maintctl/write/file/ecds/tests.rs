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
fn a_policy_is_found_in_each_supported_form() {
    let as_struct =
        WHOLE.replace("protobuf.StringValue", "protobuf.Struct").replace(r#"'{"fleet": "demo"}'"#, "{ fleet: demo }");
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
fn the_extension_around_the_policy_is_kept() {
    let file = PolicyFile::parse("f", WHOLE).unwrap();
    let changed = file.with_policy(Tree::from_json(br#"{"fleet": "other"}"#).unwrap());
    let text = serde_json::to_string_pretty(&changed.to_ecds().unwrap()).unwrap();
    let again = PolicyFile::parse("f", &text).unwrap();
    assert_eq!(again.policy, changed.policy);
    let vm = |file: &PolicyFile| wasm_mut(&mut file.around.clone().unwrap()).unwrap()["vm_config"].clone();
    assert_eq!(vm(&again), vm(&file));
}

#[test]
fn a_bare_policy_gets_the_extension_of_another_file() {
    let alone = PolicyFile::parse("f", "fleet: other").unwrap();
    assert!(alone.to_ecds().is_err());
    let whole = alone.within(&PolicyFile::parse("f", WHOLE).unwrap()).to_ecds().unwrap();
    assert_eq!(PolicyFile::parse("f", &whole.to_string()).unwrap().policy.to_json(), json!({ "fleet": "other" }));
}

#[test]
fn other_forms_are_rejected() {
    let two = WHOLE.replace("resources:", "resources:\n- {}");
    let five = WHOLE.replace("value: '{\"fleet\": \"demo\"}'", "value: 5");
    let text = WHOLE.replace("'{\"fleet\": \"demo\"}'", "'{'");
    for (text, message) in [
        ("resources: []", SHAPE),
        ("typed_config: {}", SHAPE),
        ("static_resources: {}", SHAPE),
        (&two, SHAPE),
        ("fleet: a\n---\nfleet: b", "has several documents; write one policy"),
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
