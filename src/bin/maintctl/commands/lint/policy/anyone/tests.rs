use envoy_maintenance::config::PluginConfig;
use envoy_maintenance::tree::Tree;

use super::*;

#[test]
fn the_effort_to_satisfy_a_rule_is_that_of_its_hardest_condition() {
    let methods = "methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT]";
    for (conditions, expected) in [
        ("paths: ['*']", Some(Effort::None)),
        ("paths: ['/*'], modes: [read_only]", Some(Effort::None)),
        ("paths: [{ regex: '.*' }]", Some(Effort::None)),
        ("paths: [{ regex: '/.*' }]", Some(Effort::None)),
        ("paths: ['/', { regex: '/.+' }]", Some(Effort::None)),
        ("remote_ips: ['0.0.0.0/0']", Some(Effort::None)),
        ("remote_ips: ['::/0']", Some(Effort::None)),
        ("remote_ips: ['128.0.0.0/1', '0.0.0.0/1']", Some(Effort::None)),
        ("remote_ips: ['::/1', '8000::/1']", Some(Effort::None)),
        (methods, Some(Effort::None)),
        ("headers: [{ name: x, value: ['*', { absent: true }] }]", Some(Effort::None)),
        ("headers: [{ name: x }]", Some(Effort::Send)),
        ("headers: [{ name: X, value: { regex: '.*' } }]", Some(Effort::Send)),
        ("headers: [{ name: x, value: { regex: '.+' } }]", Some(Effort::Send)),
        ("cookies: [{ name: x, value: '*' }]", Some(Effort::Send)),
        ("headers: [{ name: x, value: { absent: true } }], query: [{ name: z }]", Some(Effort::Send)),
        ("headers: [{ name: x, value: { absent: true } }]", Some(Effort::Omit)),
        ("query: [{ name: x, value: { absent: true } }]", Some(Effort::Omit)),
        ("cookies: [{ name: x, value: [z, { absent: true }] }]", Some(Effort::Omit)),
        ("paths: ['/a*']", None),
        ("paths: [{ regex: '/[a-z/]*' }]", None),
        ("methods: [GET]", None),
        ("remote_ips: ['10.0.0.0/8']", None),
        ("remote_ips: ['::/1', '10.0.0.0/8']", None),
        ("paths: ['*'], remote_ips: ['10.0.0.0/8']", None),
        ("headers: [{ name: x, value: z }]", None),
        ("headers: [{ name: x, value: { regex: '[0-9]+' } }]", None),
        ("query: [{ name: next, value: '/*' }]", None),
        ("query: [{ name: x, value: { absent: true } }], paths: [/a]", None),
        ("uri_sans: ['spiffe://*']", None),
        ("claims: [{ iss: i, name: a }]", None),
    ] {
        let policy = format!("exempt: [{{ name: a, {conditions} }}]");
        let tree: Tree = serde_saphyr::from_str(&policy).unwrap();
        let config = PluginConfig::read(&tree).unwrap();
        assert_eq!(effort(&config.exempt[0]), expected, "{conditions}");
    }
}
