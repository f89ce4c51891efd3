//! Every check of what stands around a policy finds what it is for, in just these words.

use crate::commands::lint::finding::Level;
use crate::commands::lint::tests::{finds, levels};

/// A bootstrap as it should be, whose policy asks for all that a neighbour must see to.
const BOOTSTRAP: &str = r#"
static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: 1 } }
    filter_chains:
    - transport_socket: { typed_config: { common_tls_context: { validation_context: { trusted_ca: { filename: ca } } } } }
      filters:
      - typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          use_remote_address: true
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: REJECT_REQUEST
          route_config: { virtual_hosts: [{ domains: ["s.x", "*.s.x", "S.x:80"] }] }
          http_filters:
          - { name: j, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication } }
          - name: maintenance
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                failure_policy: FAIL_RELOAD
                configuration:
                  "@type": type.googleapis.com/google.protobuf.Struct
                  value:
                    jwt: { metadata_key: payload }
                    control: { path_prefix: /.m }
                    sites: [{ name: s, hosts: [s.x, "*.s.x"] }]
                    exempt:
                    - { name: ips, remote_ips: [10.0.0.0/8] }
                    - { name: sans, uri_sans: ["spiffe://a"] }
                    - { name: claims, claims: [{ iss: i, name: role }] }
"#;
const MANAGER: &str = "f: static_resources.listeners[0].filter_chains[0].filters[0].typed_config";

#[track_caller]
fn finds_after(from: &str, to: &str, expected: &str) {
    assert!(BOOTSTRAP.contains(from), "{from}");
    finds(&BOOTSTRAP.replacen(from, to, 1), &[expected]);
}

#[test]
fn a_bootstrap_as_it_should_be() {
    finds(BOOTSTRAP, &[]);
    let camel = BOOTSTRAP
        .replace("use_remote_address", "useRemoteAddress")
        .replace("http_filters", "httpFilters")
        .replace("typed_config", "typedConfig")
        .replace("failure_policy", "failurePolicy")
        .replace("normalize_path", "normalizePath")
        .replace("merge_slashes", "mergeSlashes")
        .replace("path_with_escaped_slashes_action", "pathWithEscapedSlashesAction")
        .replace("filter_chains", "filterChains");
    finds(&camel, &[]);
}

#[test]
fn remote_ips_that_strangers_can_write() {
    let text =
        "not true, so the remote_ips of \"ips\" believe what strangers write into X-Forwarded-For; set it to true";
    let line = format!("{MANAGER}.use_remote_address: {text}");
    finds_after("use_remote_address: true", "a: b", &line);
    finds_after("use_remote_address: true", "use_remote_address: false", &line);
    assert_eq!(levels(&BOOTSTRAP.replace("use_remote_address: true", "a: b")), [Level::Error]);
}

/// The findings about a manager that has none of the settings by which Envoy makes paths plain.
fn paths_as_written(manager: &str) -> [String; 3] {
    let cost = "reach the filter, which exempts none of them by path and refuses those that may be closed";
    [
        format!("{manager}.normalize_path: not true, so paths with dot segments or backslashes {cost}; set it to true"),
        format!("{manager}.merge_slashes: not true, so paths with empty segments (//) {cost}; set it to true"),
        format!(
            "{manager}.path_with_escaped_slashes_action: keeps encoded slashes and backslashes, so paths with them {cost}; set it \
             to UNESCAPE_AND_REDIRECT, unless the application needs them"
        ),
    ]
}

#[test]
fn paths_that_reach_the_filter_as_clients_write_them() {
    let [dots, slashes, escaped] = paths_as_written(MANAGER);
    for (from, to, line) in [
        ("normalize_path: true", "a: b", &dots),
        ("normalize_path: true", "normalizePath: false", &dots),
        ("merge_slashes: true", "a: b", &slashes),
        ("merge_slashes: true", "merge_slashes: false", &slashes),
        ("path_with_escaped_slashes_action: REJECT_REQUEST", "a: b", &escaped),
        ("REJECT_REQUEST", "KEEP_UNCHANGED", &escaped),
        ("REJECT_REQUEST", "IMPLEMENTATION_SPECIFIC_DEFAULT", &escaped),
        ("REJECT_REQUEST", "1", &escaped),
    ] {
        finds_after(from, to, line);
        assert_eq!(levels(&BOOTSTRAP.replace(from, to)), [Level::Warning], "{to}");
    }
    for action in ["UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD", "3"] {
        finds(&BOOTSTRAP.replace("REJECT_REQUEST", action), &[]);
    }
}

#[test]
fn a_manager_is_told_once_whatever_plugins_it_has_and_not_for_a_control_endpoint_alone() {
    let policy = |name: &str, policy: &str| {
        format!(
            "{{ typed_config: {{ '@type': x/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{ name: {name}, \
             failure_policy: FAIL_RELOAD, configuration: {{ '@type': x/google.protobuf.Struct, value: {policy} }} }} }} }}"
        )
    };
    let manager = |filters: &[String]| {
        format!(
            "static_resources: {{ listeners: [{{ filter_chains: [{{ filters: [{{ typed_config: {{ '@type': x/envoy.extensions\
             .filters.network.http_connection_manager.v3.HttpConnectionManager, http_filters: [{}] }} }}] }}] }}] }}",
            filters.join(", ")
        )
    };
    let expected = paths_as_written(MANAGER);
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let (one, two) = (policy("a", "{ sites: [{ name: s }] }"), policy("b", "{ sites: [{ name: t }] }"));
    finds(&manager(&[one, two]), &expected);
    let control = policy("c", "{ sites: [], control: { path_prefix: /.m } }");
    finds(&manager(std::slice::from_ref(&control)), &[]);
    // A policy that comes from elsewhere has sites; only the name tells that it is one.
    let discovered = |name: &str, kind: &str| {
        format!("{{ name: {name}, config_discovery: {{ type_urls: [x/envoy.extensions.filters.http.{kind}] }} }}")
    };
    finds(&manager(&[discovered("maintenance", "wasm.v3.Wasm"), control.clone()]), &expected);
    finds(&manager(&[discovered("other", "wasm.v3.Wasm"), control.clone()]), &[]);
    finds(&manager(&[discovered("maintenance", "lua.v3.Lua"), control]), &[]);
}

#[test]
fn uri_sans_that_nobody_has_checked() {
    finds_after(
        "validation_context: { ",
        "validation_context: { trust_chain_verification: ACCEPT_UNTRUSTED, ",
        "f: static_resources.listeners[0].filter_chains[0].transport_socket.typed_config.common_tls_context.validation_context\
         .trust_chain_verification: ACCEPT_UNTRUSTED, so anybody can make the certificate that the uri_sans of \"sans\" ask for; \
         take it out",
    );
}

#[test]
fn routes_that_no_site_has() {
    for domain in ["*", "other.x", "*.x"] {
        let line = format!(
            "{MANAGER}.route_config.virtual_hosts[0].domains[2]: no site has all of \"{domain}\", and what has no site is never \
             closed; add it to one"
        );
        finds_after("\"S.x:80\"", &format!("\"{domain}\""), &line);
    }
}

#[test]
fn routes_of_which_sites_have_some_paths_only() {
    let one = "sites: [{ name: s, hosts: [s.x, \"*.s.x\"] }]";
    let with = |sites: &str| {
        let policy = format!("sites: [{{ name: s, hosts: [s.x], paths: [/b, /a] }}, {{ name: w, {sites} }}]");
        assert!(BOOTSTRAP.contains(one));
        BOOTSTRAP.replacen(one, &policy, 1)
    };
    let domain = |number: u8| format!("{MANAGER}.route_config.virtual_hosts[0].domains[{number}]");
    let text = with("hosts: [\"*.s.x\"], paths: [/c]");
    finds(
        &text,
        &[
            &format!("{}: only /a, /b of \"s.x\" belong to a site; the rest is never closed", domain(0)),
            &format!("{}: only /c of \"*.s.x\" belongs to a site; the rest is never closed", domain(1)),
            &format!("{}: only /a, /b of \"S.x:80\" belong to a site; the rest is never closed", domain(2)),
        ],
    );
    assert_eq!(levels(&text), [Level::Note; 3]);
    // What the sites of a host leave out may belong to that of a wider one.
    let all = with("hosts: [\"*\"]");
    finds(
        &all,
        &[
            "f: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config\
           .configuration.value.sites[0]: site \"s\" lies within site \"w\" (sites[1]); at s.x/b/ \"s\" wins",
        ],
    );
}

#[test]
fn a_control_endpoint_that_all_can_reach() {
    for address in ["0.0.0.0", "10.0.0.1"] {
        let line = format!(
            "f: static_resources.listeners[0].address.socket_address.address: the control endpoint /.m listens on {address}; \
             give it a listener of its own on 127.0.0.1, or on a network of operators"
        );
        finds_after("127.0.0.1", address, &line);
    }
}

#[test]
fn claims_without_jwt_authn_before_the_filter() {
    let line = format!(
        "{MANAGER}.http_filters[1].typed_config.config: no jwt_authn stands before the filter, so \"claims\" can never hold; put \
         it there"
    );
    finds_after("jwt_authn.v3.JwtAuthentication", "lua.v3.Lua", &line);
}

#[test]
fn filters_on_the_wrong_side() {
    let before = "          - name: maintenance\n";
    let with = |kind: &str| {
        format!(
            "          - {{ typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.{kind} }} }}\n{before}"
        )
    };
    let line = format!(
        "{MANAGER}.http_filters[1]: the router stands before the filter, which no request reaches; put it last"
    );
    finds_after(before, &with("router.v3.Router"), &line);
    for (kind, name) in [
        ("cors.v3.Cors", "cors"),
        ("ext_authz.v3.ExtAuthz", "ext_authz"),
        ("ext_proc.v3.ExternalProcessor", "ext_proc"),
        ("oauth2.v3.OAuth2", "oauth2"),
        ("ratelimit.v3.RateLimit", "ratelimit"),
    ] {
        let line = format!(
            "{MANAGER}.http_filters[1]: {name} stands before the filter, so it answers or costs something while a site is closed; \
             put it behind"
        );
        finds_after(before, &with(kind), &line);
    }
    // It asks nobody, and refuses before the filter does any work.
    finds(&BOOTSTRAP.replacen(before, &with("local_ratelimit.v3.LocalRateLimit"), 1), &[]);
}

#[test]
fn a_filter_that_stays_dead_after_a_trap() {
    let text = "failure_policy: not FAIL_RELOAD, so after a trap the filter does not start anew; set it";
    let line = format!("{MANAGER}.http_filters[1].typed_config.config.{text}");
    finds_after("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN", &line);
    finds_after("failure_policy: FAIL_RELOAD", "fail_open: true", &line);
    finds(
        "kind: TrafficExtension\nspec: { wasm: { sha256: abc } }",
        &["f: spec.wasm.failStrategy: not FAIL_RELOAD, so after a trap the filter does not start anew; set it"],
    );
}

#[test]
fn a_module_that_is_not_pinned() {
    let manifest = |more: &str| format!("kind: WasmPlugin\nspec: {{ failStrategy: FAIL_RELOAD, {more} }}");
    let line = "f: spec.sha256: missing, so the module may become another one; pin its SHA-256";
    finds(&manifest("url: \"oci://a:b\""), &[line]);
    let zeros = "f: spec.sha256: zeros stand for the number of no module; put in that of yours, as sha256sum prints it";
    let text = manifest("sha256: \"0000000000000000\"");
    finds(&text, &[zeros]);
    assert_eq!(levels(&text), [Level::Note]);
    finds(&manifest("sha256: abc1"), &[]);
    finds(&manifest("url: \"oci://a@sha256:abc\""), &[]);
}

#[test]
fn two_plugins_of_one_name() {
    let plugin = |name: &str, vm: &str, policy: &str| {
        format!(
            "{{'@type': x/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{name: {name}, failure_policy: FAIL_RELOAD, \
             vm_config: {{vm_id: {vm}}}, configuration: {{'@type': x/google.protobuf.Struct, value: {policy}}}}}}}"
        )
    };
    let (one, other) = ("{sites: [{name: a}]}", "{sites: [{name: b}]}");
    let both = |first: &str, second: &str| format!("resources: [{first}, {second}]");
    let text = "has the name and root_id of resources[0].config, whose policy is another one, so the status counts only one \
                of them; give each a `name` of its own";
    let line = format!("f: resources[1].config: {text}");
    finds(&both(&plugin("m", "m", one), &plugin("m", "m", other)), &[&line]);
    finds(&both(&plugin("m", "m", one), &plugin("m", "m", one)), &[]);
    finds(&both(&plugin("m", "m", one), &plugin("n", "m", other)), &[]);
    finds(&both(&plugin("m", "m", one), &plugin("m", "n", other)), &[]);
}

#[test]
fn a_policy_that_is_not_indented_below_its_value() {
    let head = include_str!("../../../../../../envoy/ecds.yaml");
    let value =
        "f: resources[0].typed_config.config.configuration.value: null, so the policy is empty; indent yours below it";
    let policy = "fleet: f\nsites: [{ name: shop }]\n";
    let beside =
        "f: fleet: Envoy passes over what stands beside `resources` (fleet, sites); indent a policy below `value`";
    finds(head, &[value]);
    finds(&format!("{head}{policy}"), &[value, beside]);
    assert_eq!(levels(&format!("{head}{policy}")), [Level::Warning; 2]);
    let indented: String = policy.lines().map(|line| format!("          {line}\n")).collect();
    finds(&format!("version_info: a\n{head}{indented}"), &[]);
    finds("kind: Kustomization\nresources: [a.yaml]", &["f: no policy found; name a file that holds one"]);
}
