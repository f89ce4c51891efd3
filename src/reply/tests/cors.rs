use super::*;

#[test]
fn scripts_of_own_and_listed_origins_can_read_a_refusal() {
    let listed = json!({ "cors": { "origins": ["https://App.example.com", "https://*"] } });
    let exposed = "retry-after, x-maintenance-mode";
    for (config, origin, allowed) in [
        (json!({}), "https://shop.example.com", true),
        (json!({}), "https://www.shop.example.com:8443", true),
        (json!({}), "HTTPS://Shop.Example.com", true),
        (json!({}), "http://shop.example.com", false),
        (json!({}), "https://example.com", false),
        (json!({}), "https://shop.example.com.evil.example", false),
        (json!({}), "https://evil.example/shop.example.com", false),
        (json!({}), "null", false),
        (json!({}), "", false),
        (listed.clone(), "https://app.example.com", true),
        (listed.clone(), "https://other.example.com", true),
        (listed, "http://app.example.com", false),
        (json!({ "cors": { "origins": ["null"] } }), "null", true),
        (json!({ "cors": { "origins": ["null"] } }), "https://shop.example.com", false),
        (json!({ "cors": { "origins": ["*"] } }), "http://any.example a", false),
    ] {
        let reply = reply(config);
        let answer = ask(&reply, &format!("GET /\norigin: {origin}"));
        assert_eq!(header(&answer, "access-control-allow-origin"), allowed.then_some(origin), "{origin}");
        assert_eq!(header(&answer, "access-control-expose-headers"), allowed.then_some(exposed), "{origin}");
        assert_eq!(answer.status, 503);
        let preflight = format!(
            "OPTIONS /\norigin: {origin}\naccess-control-request-method: PUT\naccess-control-request-headers: x-a,x-b"
        );
        let answer = ask(&reply, &preflight);
        assert_eq!(answer.status, if allowed { 204 } else { 503 }, "{origin}");
        assert_eq!(answer.body.is_empty(), allowed);
        for (name, value) in [
            ("access-control-max-age", "0"),
            ("access-control-allow-methods", "PUT"),
            ("access-control-allow-headers", "x-a,x-b"),
            ("access-control-allow-credentials", "true"),
        ] {
            assert_eq!(header(&answer, name), allowed.then_some(value), "{origin}");
        }
    }
}

#[test]
fn without_hosts_only_the_origin_of_the_request_can_read_a_refusal() {
    let none = overrides(json!({}));
    let reply = Reply::merge(&none, &none, "default", &[HostPattern::Any]).unwrap();
    for (origin, allowed) in [("https://shop.example.com", true), ("https://evil.example", false)] {
        let answer = ask(&reply, &format!("GET /\norigin: {origin}"));
        assert_eq!(header(&answer, "access-control-allow-origin"), allowed.then_some(origin));
    }
}
