use super::*;
use crate::config::PluginConfig;
use crate::tree::{PathError, Tree};

/// Compiles a policy that is written with single quotes.
fn policy(text: &str) -> Result<Policy, PathError> {
    let tree = Tree::from_plugin_configuration(text.replace('\'', "\"").as_bytes())?;
    Policy::compile(&PluginConfig::read(&tree)?)
}

fn assert_refused(rows: &[(&str, &str)]) {
    for (text, message) in rows {
        let problem = policy(text).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(problem, Err((*message).to_owned()), "{text}");
    }
}

const KEY: &str = "{'name': 'a', 'jwk': {'kty': 'OKP', 'crv': 'Ed25519', 'x': \
                   '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'}, 'sites': ['elsewhere'], 'may': ['state']}";

#[test]
fn names_consist_of_at_most_63_letters_digits_and_hyphens() {
    let long = "a".repeat(64);
    for name in ["", "Shop", "shop.eu", "shop_eu", "shöp", "a b", "*", long.as_str()] {
        let problem = format!("\"{name}\" is not a name of at most 63 characters of a-z, 0-9 and -");
        assert_refused(&[
            (&format!("{{'fleet': '{name}'}}"), &format!("fleet: {problem}")),
            (&format!("{{'sites': [{{'name': '{name}'}}]}}"), &format!("sites[0].name: {problem}")),
            (&format!("{{'exempt': [{{'name': '{name}', 'paths': ['/a']}}]}}"), &format!("exempt[0].name: {problem}")),
        ]);
    }
    let name = "a".repeat(63);
    assert_eq!(policy(&format!("{{'sites': [{{'name': '{name}'}}]}}")).unwrap().sites[0].name, name);
}

#[test]
fn names_hosts_and_paths_of_sites_are_unique() {
    assert_refused(&[
        (
            "{'sites': [{'name': 'a', 'hosts': ['a']}, {'name': 'a', 'hosts': ['b']}]}",
            "sites[1].name: duplicate site name \"a\"",
        ),
        (
            "{'sites': [{'name': 'a'}, {'name': 'b'}]}",
            "sites[1]: the host \"*\" with the path \"/\" already belongs to site \"a\"",
        ),
        (
            "{'sites': [{'name': 'a', 'hosts': ['*.x.com', 'x.com'], 'paths': ['/y/']}, \
             {'name': 'b', 'hosts': ['X.com.:80'], 'paths': ['/', '/y']}]}",
            "sites[1]: the host \"x.com\" with the path \"/y\" already belongs to site \"a\"",
        ),
        (
            "{'sites': [{'name': 'a', 'hosts': ['*.x.com', '*.X.com']}]}",
            "sites[0]: the host \"*.x.com\" with the path \"/\" already belongs to site \"a\"",
        ),
    ]);
    assert!(
        policy("{'sites': [{'name': 'a', 'paths': ['/x']}, {'name': 'b', 'hosts': ['h'], 'paths': ['/x']}]}").is_ok()
    );
}

#[test]
fn malformed_hosts_and_paths_of_sites_are_refused() {
    let site = |members: &str| format!("{{'sites': [{{'name': 'a', {members}}}]}}");
    for (members, message) in [
        ("'hosts': []", "hosts: an empty list matches nothing"),
        ("'hosts': ['a', 'b/c']", "hosts[1]: \"b/c\" is not a host, \"*.suffix\" or \"*\""),
        ("'hosts': ['*a']", "hosts[0]: \"*a\" is not a host, \"*.suffix\" or \"*\""),
        ("'paths': []", "paths: an empty list matches nothing"),
        ("'paths': ['checkout']", "paths[0]: \"checkout\" is not a canonical path prefix such as \"/checkout\""),
        ("'paths': ['']", "paths[0]: \"\" is not a canonical path prefix such as \"/checkout\""),
        ("'paths': ['/a/*']", "paths[0]: \"/a/*\" is not a canonical path prefix such as \"/checkout\""),
        ("'paths': ['/a?b']", "paths[0]: \"/a?b\" is not a canonical path prefix such as \"/checkout\""),
        ("'paths': ['/a/../b']", "paths[0]: \"/a/../b\" is not a canonical path prefix such as \"/checkout\""),
        ("'paths': ['/a', '/a//b']", "paths[1]: \"/a//b\" is not a canonical path prefix such as \"/checkout\""),
    ] {
        assert_refused(&[(&site(members), &format!("sites[0].{message}"))]);
    }
    assert_eq!(policy(&site("'paths': ['/', '/%61/']")).unwrap().sites[0].paths, ["", "/a"]);
    assert_eq!(policy(&site("'paths': ['/a%3Ab', '/%2a']")).unwrap().sites[0].paths, ["/a:b", "/*"]);
}

#[test]
fn rule_names_are_unique_in_a_site_and_the_policy_wide_rules() {
    let rule = "{'name': 'office', 'paths': ['/a']}";
    let twice = "duplicate rule name \"office\"";
    for (text, path) in [
        (format!("{{'exempt': [{rule}, {rule}]}}"), "exempt[1].name"),
        (format!("{{'exempt': [{rule}], 'always_closed': [{rule}]}}"), "always_closed[0].name"),
        (format!("{{'health_checks': [{rule}], 'always_closed': [{rule}]}}"), "health_checks[0].name"),
        (
            format!("{{'always_closed': [{rule}], 'sites': [{{'name': 'a', 'exempt': [{rule}]}}]}}"),
            "sites[0].exempt[0].name",
        ),
        (
            format!("{{'sites': [{{'name': 'a', 'exempt': [{rule}], 'health_checks': [{rule}]}}]}}"),
            "sites[0].health_checks[0].name",
        ),
    ] {
        assert_refused(&[(&text, &format!("{path}: {twice}"))]);
    }
    let acme = "'exempt': [{'name': 'acme-challenge', 'paths': ['/a']}]";
    assert_refused(&[(&format!("{{{acme}}}"), "exempt[0].name: duplicate rule name \"acme-challenge\"")]);
    for allowed in [
        format!("{{'builtin_rules': false, {acme}}}"),
        format!(
            "{{'sites': [{{'name': 'a', 'hosts': ['a'], 'exempt': [{rule}]}}, \
             {{'name': 'b', 'hosts': ['b'], 'exempt': [{rule}]}}]}}"
        ),
    ] {
        assert!(policy(&allowed).is_ok(), "{allowed}");
    }
}

#[test]
fn claims_require_a_metadata_key() {
    let rule = "{'name': 'staff', 'claims': [{'iss': 'i', 'name': 'role'}]}";
    let problem = "requires jwt.metadata_key, under which jwt_authn stores a verified token";
    assert_refused(&[
        (&format!("{{'exempt': [{rule}]}}"), &format!("exempt[0].claims: {problem}")),
        (
            &format!("{{'sites': [{{'name': 'a', 'always_closed': [{rule}]}}]}}"),
            &format!("sites[0].always_closed[0].claims: {problem}"),
        ),
        ("{'jwt': {'metadata_key': ''}}", "jwt.metadata_key: empty"),
    ]);
    assert!(policy(&format!("{{'jwt': {{'metadata_key': 'payload'}}, 'exempt': [{rule}]}}")).is_ok());
}

#[test]
fn keys_require_a_fleet() {
    assert_refused(&[(&format!("{{'keys': [{KEY}]}}"), "fleet: missing; \"keys\" requires it")]);
    // A key may name sites of other listeners.
    assert!(policy(&format!("{{'fleet': 'eu', 'sites': [], 'keys': [{KEY}]}}")).is_ok());
}

#[test]
fn declared_state_requires_a_known_site_and_the_same_fleet() {
    let sites = "'fleet': 'eu', 'sites': [{'name': 'shop'}]";
    for (state, message) in [
        ("{'shpo': {'mode': 'offline'}}", "state.shpo: no site has this name; did you mean \"shop\"?"),
        ("{'default': {'mode': 'offline'}}", "state.default: no site has this name"),
        ("{'shop': {'mode': 'offline', 'fleet': 'us'}}", "state.shop.fleet: \"us\" is not the fleet of this policy"),
    ] {
        assert_refused(&[(&format!("{{{sites}, 'state': {state}}}"), message)]);
    }
    assert_refused(&[(
        "{'state': {'default': {'mode': 'offline', 'fleet': 'us'}}}",
        "state.default.fleet: \"us\" is not the fleet of this policy",
    )]);
    let declared = policy(&format!("{{{sites}, 'state': {{'shop': {{'mode': 'offline', 'fleet': 'eu'}}}}}}")).unwrap();
    assert!(declared.sites[0].declared.is_some());
}

#[test]
fn the_control_endpoint_has_a_canonical_prefix_below_the_root() {
    let control = |prefix: &str| format!("{{'control': {{'path_prefix': '{prefix}'}}}}");
    let malformed = |prefix: &str| {
        format!("control.path_prefix: \"{prefix}\" is not a canonical path prefix such as \"/checkout\"")
    };
    assert_refused(&[
        (&control("/"), "control.path_prefix: \"/\" would hide the application"),
        (&control(""), &malformed("")),
        (&control("maintenance"), &malformed("maintenance")),
        (&control("/a/./b"), &malformed("/a/./b")),
    ]);
    assert_eq!(policy(&control("/.maintenance/")).unwrap().control.as_deref(), Some("/.maintenance"));
}

#[test]
fn an_empty_policy_has_one_site_with_the_built_in_rules() {
    let names = |rules: &Rules| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
    let built_in = policy("").unwrap();
    let site = &built_in.sites[0];
    assert_eq!((built_in.sites.len(), site.name.as_str(), site.declared.is_none()), (1, "default", true));
    assert_eq!(names(&site.exempt), ["acme-challenge"]);
    assert_eq!(names(&site.health_checks), ["health-check-agents"]);
    let bare = policy("{'builtin_rules': false}").unwrap();
    assert!(bare.sites[0].exempt.is_empty() && bare.sites[0].health_checks.is_empty());
    assert!(policy("{'sites': []}").unwrap().sites.is_empty());
}

#[test]
fn policy_wide_rules_precede_the_rules_of_a_site() {
    let policy = policy(
        "{'exempt': [{'name': 'wide', 'paths': ['/a']}], \
         'sites': [{'name': 'a', 'exempt': [{'name': 'own', 'paths': ['/a']}]}]}",
    )
    .unwrap();
    let names: Vec<&str> = policy.sites[0].exempt.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["acme-challenge", "wide", "own"]);
}
