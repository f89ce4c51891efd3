use super::*;

fn status(name: &str, version: &str, plugins: &[&str]) -> EnvoyStatus {
    let plugins: Vec<String> =
        plugins.iter().map(|plugin| format!(r#"{{"name": "{plugin}", "sites": ["shop"]}}"#)).collect();
    let plugins = plugins.join(", ");
    let text = format!(r#"{{"envoy": "{name}", "version": "{version}", "sites": [], "plugins": [{plugins}]}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn versions_and_plugins_that_differ_are_named() {
    let (one, two) = (status("edge/1", "1.0.0", &["data"]), status("edge/2", "1.1.0", &["web", "data"]));
    assert_eq!(versions(&[&one, &one], "1.0.0"), None);
    assert_eq!(
        versions(&[&one, &two], "1.0.0").unwrap().line(),
        "versions differ: maintctl 1.0.0, the filter 1.0.0 in edge/1; 1.1.0 in edge/2; install the same version everywhere"
    );
    assert_eq!(plugins(&[&one, &one]), None);
    assert_eq!(
        plugins(&[&one, &two]).unwrap().line(),
        "the plugins with sites differ: \"data\" in edge/1; \"data\", \"web\" in edge/2; give all Envoys the same plugins with \
         the same names"
    );
    // Without a read token, the plugins are not known.
    assert_eq!(plugins(&[&one, &status("edge/2", "1.0.0", &[])]), None);
}

#[test]
fn a_control_endpoint_at_a_public_address_needs_client_certificates() {
    for (address, is_private) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("10.1.2.3", true),
        ("192.168.0.1", true),
        ("172.31.0.1", true),
        ("172.32.0.1", false),
        ("100.64.0.1", true),
        ("100.128.0.1", false),
        ("169.254.1.1", true),
        ("fd00::1", true),
        ("fe80::1", true),
        ("2001:db8::1", false),
        ("203.0.113.7", false),
        ("::ffff:10.0.0.1", true),
        ("::ffff:203.0.113.7", false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(public_address(address, false).is_none(), is_private, "{address}");
        assert_eq!(public_address(address, true), None, "{address}");
    }
}
