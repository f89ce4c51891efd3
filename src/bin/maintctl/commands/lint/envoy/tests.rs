use crate::commands::lint::tests::{finds, levels, lines};
use crate::diagnosis::remark::Severity;

/// A correct bootstrap, whose policy uses every condition that depends on the configuration around it.
pub(super) const BOOTSTRAP: &str = r#"
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
          - name: j
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers: { id: { issuer: i, payload_in_metadata: payload } }
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
pub(super) const MANAGER: &str = "f: static_resources.listeners[0].filter_chains[0].filters[0].typed_config";

#[track_caller]
pub(super) fn finds_after(from: &str, to: &str, expected: &str) {
    assert!(BOOTSTRAP.contains(from), "{from}");
    finds(&BOOTSTRAP.replacen(from, to, 1), &[expected]);
}

#[test]
fn a_correct_bootstrap_has_no_findings() {
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
fn remote_ips_of_forged_addresses_are_reported() {
    let text =
        "not true, so any client can satisfy the remote_ips of \"ips\" with an X-Forwarded-For header; set it to true";
    let line = format!("{MANAGER}.use_remote_address: {text}");
    finds_after("use_remote_address: true", "a: b", &line);
    finds_after("use_remote_address: true", "use_remote_address: false", &line);
    assert_eq!(levels(&BOOTSTRAP.replace("use_remote_address: true", "a: b")), [Severity::Error]);
}

/// The findings about a manager without any normalization setting.
fn paths_as_written(manager: &str) -> [String; 3] {
    let cost = "stay ambiguous: no exempt rule matches them by path, and they are refused where a site may be closed";
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
fn connection_managers_that_do_not_normalize_paths_are_reported() {
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
        assert_eq!(levels(&BOOTSTRAP.replace(from, to)), [Severity::Warning], "{to}");
    }
    for action in ["UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD", "3"] {
        finds(&BOOTSTRAP.replace("REJECT_REQUEST", action), &[]);
    }
}

#[test]
fn a_connection_manager_is_reported_once_for_all_its_plugins_and_not_for_a_control_endpoint_alone() {
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
    let is_about_paths = |text: &str| lines(text).iter().any(|line| line.contains("stay ambiguous"));
    assert!(!is_about_paths(&manager(std::slice::from_ref(&control))));
    // A discovered policy has sites; only the name of the filter identifies it.
    let discovered = |name: &str, kind: &str| {
        format!("{{ name: {name}, config_discovery: {{ type_urls: [x/envoy.extensions.filters.http.{kind}] }} }}")
    };
    finds(&manager(&[discovered("maintenance", "wasm.v3.Wasm"), control.clone()]), &expected);
    for discovered in [discovered("other", "wasm.v3.Wasm"), discovered("maintenance", "lua.v3.Lua")] {
        assert!(!is_about_paths(&manager(&[discovered, control.clone()])));
    }
}

#[test]
fn uri_sans_of_unverified_certificates_are_reported() {
    finds_after(
        "validation_context: { ",
        "validation_context: { trust_chain_verification: ACCEPT_UNTRUSTED, ",
        "f: static_resources.listeners[0].filter_chains[0].transport_socket.typed_config.common_tls_context.validation_context\
         .trust_chain_verification: ACCEPT_UNTRUSTED, so any client can satisfy the uri_sans of \"sans\" with a self-signed \
         certificate; remove it",
    );
}

#[test]
fn domains_without_a_site_are_reported() {
    for domain in ["*", "other.x", "*.x"] {
        let line = format!(
            "{MANAGER}.route_config.virtual_hosts[0].domains[2]: no site covers \"{domain}\", so no maintenance closes it; add it to the \
             hosts of a site"
        );
        finds_after("\"S.x:80\"", &format!("\"{domain}\""), &line);
    }
}

#[test]
fn domains_whose_sites_cover_some_paths_only_are_a_note() {
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
            &format!("{}: sites cover only /a, /b of \"s.x\", so no maintenance closes its other paths", domain(0)),
            &format!("{}: sites cover only /c of \"*.s.x\", so no maintenance closes its other paths", domain(1)),
            &format!("{}: sites cover only /a, /b of \"S.x:80\", so no maintenance closes its other paths", domain(2)),
        ],
    );
    assert_eq!(levels(&text), [Severity::Note; 3]);
    // Paths that the sites of a host do not cover may belong to a site of a wider host.
    let all = with("hosts: [\"*\"]");
    finds(
        &all,
        &[
            "f: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config\
           .configuration.value.sites[0]: site \"s\" is part of site \"w\" (sites[1]); at s.x/b/, \"s\" wins",
        ],
    );
}

#[test]
fn control_endpoints_that_other_machines_can_reach_are_reported() {
    for address in ["0.0.0.0", "10.0.0.1"] {
        let line = format!(
            "f: static_resources.listeners[0].address.socket_address.address: the control endpoint /.m listens on {address}; \
             give it its own listener on 127.0.0.1 or in a network of operators"
        );
        finds_after("127.0.0.1", address, &line);
    }
}

#[test]
fn filters_that_belong_behind_the_plugin_are_reported() {
    let before = "          - name: maintenance\n";
    let with = |kind: &str| {
        format!(
            "          - {{ typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.{kind} }} }}\n{before}"
        )
    };
    let line = format!(
        "{MANAGER}.http_filters[1]: the router is in front of the plugin, so no request reaches the plugin; move the router to the end"
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
            "{MANAGER}.http_filters[1]: {name} is in front of the plugin, so it answers or calls a service for requests of a \
             closed site; move it behind the plugin"
        );
        finds_after(before, &with(kind), &line);
    }
    // A local rate limit calls no service, and protects the filter.
    finds(&BOOTSTRAP.replacen(before, &with("local_ratelimit.v3.LocalRateLimit"), 1), &[]);
}

#[test]
fn plugins_that_do_not_restart_after_a_trap_are_reported() {
    let text = "failure_policy: not FAIL_RELOAD, so the filter does not restart after a trap; set it to FAIL_RELOAD";
    let line = format!("{MANAGER}.http_filters[1].typed_config.config.{text}");
    finds_after("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN", &line);
    finds_after("failure_policy: FAIL_RELOAD", "fail_open: true", &line);
}

#[test]
fn policies_that_are_not_indented_below_their_value_are_reported() {
    let head = include_str!("../../../../../../envoy/ecds.yaml");
    let value = "f: resources[0].typed_config.config.configuration.value: empty, so nothing can close a site; write the policy here, indented below this key";
    let policy = "fleet: f\nsites: [{ name: shop }]\n";
    let beside = "f: fleet: Envoy ignores members beside `resources` (fleet, sites); indent a policy below `value`";
    finds(head, &[value]);
    finds(&format!("{head}{policy}"), &[value, beside]);
    assert_eq!(levels(&format!("{head}{policy}")), [Severity::Warning; 2]);
    let indented: String = policy.lines().map(|line| format!("          {line}\n")).collect();
    finds(&format!("version_info: a\n{head}{indented}"), &[]);
    finds("kind: Kustomization\nresources: [a.yaml]", &["f: no policy found; name a file that contains one"]);
}
