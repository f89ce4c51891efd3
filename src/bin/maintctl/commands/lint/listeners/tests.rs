use crate::commands::lint::tests::{check_texts, finds};

const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const OTHER: &str = "gYJaw-0h1bAImXaQnJYUAzd5m2Bna9E67vxP3Eqld9g";

/// A plugin of this filter.
fn plugin(name: &str, vm: &str, policy: &str) -> String {
    format!(
        "{{'@type': x/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{name: {name}, failure_policy: FAIL_RELOAD, \
         vm_config: {{vm_id: {vm}}}, configuration: {{'@type': x/google.protobuf.Struct, value: {policy}}}}}}}"
    )
}

fn keys(keys: &[(&str, &str)]) -> String {
    let key = |(name, x): &(&str, &str)| {
        format!("{{name: {name}, jwk: {{kty: OKP, crv: Ed25519, x: {x}}}, sites: ['*'], may: [state]}}")
    };
    format!("keys: [{}]", keys.iter().map(key).collect::<Vec<_>>().join(", "))
}

/// The policy of a data listener with the site `shop`, and that of a control listener.
fn data(fleet: &str, more: &str) -> String {
    format!("{{fleet: {fleet}, sites: [{{name: shop}}], {more}}}")
}

fn control(fleet: &str, more: &str) -> String {
    format!("{{fleet: {fleet}, sites: [], control: {{path_prefix: /.m}}, {more}}}")
}

fn bootstrap(plugins: &[&str]) -> String {
    format!("static_resources: {{ listeners: [\n{}\n] }}", plugins.join(",\n"))
}

/// The key path below the second plugin's configuration, code and text of each finding.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let line = |finding: &crate::commands::lint::finding::Finding| {
        let (line, _) = finding.line_and_column().unwrap();
        format!("{}:{line} {}: {}", finding.file, finding.code.name, finding.text)
    };
    check_texts(files).iter().map(line).collect()
}

#[test]
fn listeners_that_agree_have_no_findings() {
    let own = keys(&[("oncall", KEY)]);
    let (data, control) = (plugin("data", "m", &data("f", &own)), plugin("control", "m", &control("f", &own)));
    assert_eq!(found(&[("f", &bootstrap(&[&data, &control]))]), [""; 0]);
    // A listener with both needs no other one.
    let both =
        plugin("both", "m", &format!("{{fleet: f, sites: [{{name: shop}}], control: {{path_prefix: /.m}}, {own}}}"));
    assert_eq!(found(&[("f", &bootstrap(&[&both]))]), [""; 0]);
}

#[test]
fn listeners_that_differ_are_reported() {
    let one = keys(&[("oncall", KEY)]);
    for (data, control, expected) in [
        (
            ("m", data("f", "")),
            ("o", control("f", "")),
            "f:3 vm-id-differs: \"o\", but that of plugin \"data\" (f:2) is \"m\", so the control endpoint does not know its sites; \
             use one vm_id",
        ),
        (
            ("m", data("f", "")),
            ("m", control("g", "")),
            "f:3 fleet-differs: \"g\", but that of plugin \"data\" (f:2) is \"f\", so the control endpoint does not know its sites; \
             use one fleet",
        ),
        (
            ("m", data("f", "")),
            ("o", control("g", "")),
            "f:3 control-without-sites: no policy with sites has the vm_id \"o\" and the fleet \"g\", so the control endpoint knows \
             no site; give the data listener the same ones",
        ),
        (
            ("m", data("f", "")),
            ("m", control("f", &one)),
            "f:2 key-missing: key \"oncall\" of plugin \"control\" (f:3) is missing here, so this listener ignores the documents that \
             it signs; add it",
        ),
        (
            ("m", data("f", &keys(&[("oncall", OTHER)]))),
            ("m", control("f", &one)),
            "f:2 key-differs: key \"oncall\" is another one than in plugin \"control\" (f:3), so one of the two cannot sign for these \
             sites; list the same key in both",
        ),
    ] {
        let (data, control) = (plugin("data", data.0, &data.1), plugin("control", control.0, &control.1));
        assert_eq!(found(&[("f", &bootstrap(&[&data, &control]))]), [expected]);
    }
}

#[test]
fn keys_without_a_control_endpoint_are_reported() {
    let text = "no control endpoint has the vm_id \"m\" and the fleet \"f\", so these keys have no effect; add a control listener \
                with both";
    let alone = plugin("data", "m", &data("f", &keys(&[("oncall", KEY)])));
    assert_eq!(found(&[("f", &bootstrap(&[&alone]))]), [format!("f:2 sites-without-control: {text}")]);
    // Without keys, the policy declares the state.
    assert_eq!(found(&[("f", &bootstrap(&[&plugin("data", "m", &data("f", ""))]))]), [""; 0]);
    // A part of a configuration says nothing about the rest.
    assert_eq!(found(&[("f", &format!("resources: [{alone}]"))]), [""; 0]);
}

#[test]
fn files_of_one_envoy_are_compared() {
    let discovered = "{name: maintenance, config_discovery: {type_urls: [x/envoy.extensions.filters.http.wasm.v3.Wasm], \
                      config_source: {path_config_source: {path: ecds/maintenance.yaml}}}}";
    let manager = format!(
        "{{'@type': x/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, normalize_path: true, \
         merge_slashes: true, path_with_escaped_slashes_action: REJECT_REQUEST, http_filters: [{discovered}]}}"
    );
    let control = plugin("control", "m", &control("f", &keys(&[("oncall", KEY)])));
    let bootstrap = bootstrap(&[&manager, &control]);
    let watched = |vm: &str| format!("resources: [{}]", plugin("data", vm, &data("f", "")));
    // Alone, neither of them is known to be wrong.
    assert_eq!(found(&[("envoy.yaml", &bootstrap)]), [""; 0]);
    assert_eq!(found(&[("ecds/maintenance.yaml", &watched("m"))]), [""; 0]);
    let together = |vm: &str| found(&[("envoy.yaml", &bootstrap), ("ecds/maintenance.yaml", &watched(vm))]);
    assert_eq!(
        together("m"),
        [
            "ecds/maintenance.yaml:1 key-missing: key \"oncall\" of plugin \"control\" (envoy.yaml:3) is missing here, so this \
             listener ignores the documents that it signs; add it"
        ]
    );
    assert!(
        together("o")[0].starts_with("envoy.yaml:3 vm-id-differs: \"m\", but that of plugin \"data\""),
        "{:?}",
        together("o")
    );
    // The other bootstrap watches no file, so the watched file is not its own.
    let other =
        found(&[("a.yaml", &bootstrap), ("b.yaml", "static_resources: {}"), ("ecds/other.yaml", &watched("o"))]);
    assert!(!other.iter().any(|line| line.contains("vm-id")), "{other:?}");
}

#[test]
fn two_watched_files_may_belong_to_two_envoys() {
    let watched =
        |site: &str| format!("resources: [{}]", plugin("data", "m", &format!("{{sites: [{{name: {site}}}]}}")));
    assert_eq!(found(&[("a.yaml", &watched("shop")), ("b.yaml", &watched("blog"))]), [""; 0]);
}

#[test]
fn plugins_with_one_name_and_different_policies_are_reported() {
    let (one, other) = ("{sites: [{name: a}]}", "{sites: [{name: b}]}");
    let both = |first: &str, second: &str| format!("resources: [{first}, {second}]");
    let text = "has the same name and root_id as plugin \"m\" (f:1), but another policy, so Envoy treats both as one plugin \
                and only one policy counts in the status; give each plugin its own `name`";
    let line = format!("f: resources[1].config: {text}");
    finds(&both(&plugin("m", "m", one), &plugin("m", "m", other)), &[&line]);
    finds(&both(&plugin("m", "m", one), &plugin("m", "m", one)), &[]);
    finds(&both(&plugin("m", "m", one), &plugin("n", "m", other)), &[]);
    finds(&both(&plugin("m", "m", one), &plugin("m", "n", other)), &[]);
}

#[test]
fn unknown_sites_of_keys_are_reported() {
    let key = |site: &str| {
        format!("{{name: oncall, jwk: {{kty: OKP, crv: Ed25519, x: {KEY}}}, sites: [{site}], may: [state]}}")
    };
    let policy = |site: &str| {
        format!(
            "{{fleet: f, sites: [{{name: shop, hosts: [s.x]}}, {{name: blog, hosts: [b.x]}}], keys: [{}]}}",
            key(site)
        )
    };
    finds(&policy("shop"), &[]);
    finds(&policy("'*'"), &[]);
    finds(&policy("shp"), &["f: keys[0].sites[0]: no policy has the site \"shp\"; did you mean \"shop\"?"]);
    finds(&policy("checkout"), &["f: keys[0].sites[0]: no policy has the site \"checkout\"; the sites are shop, blog"]);
    // A key of a control listener names sites of the data listeners.
    let with = |site: &str| {
        let control = plugin("control", "m", &control("f", &format!("keys: [{}]", key(site))));
        let data = plugin("data", "m", &data("f", &format!("keys: [{}]", key("shop"))));
        found(&[("f", &bootstrap(&[&data, &control]))])
    };
    assert_eq!(with("shop"), [""; 0]);
    assert_eq!(with("shopp"), ["f:3 key-unknown-site: no policy has the site \"shopp\"; did you mean \"shop\"?"]);
}
