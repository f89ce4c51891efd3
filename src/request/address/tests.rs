use super::*;

#[test]
fn source_addresses_are_parsed() {
    for (text, address) in [
        ("192.0.2.1:4711", Some("192.0.2.1")),
        ("[2001:db8::1]:4711", Some("2001:db8::1")),
        ("[::ffff:192.0.2.1]:4711", Some("192.0.2.1")),
        ("192.0.2.1", None),
        ("/run/envoy.sock", None),
        ("", None),
    ] {
        assert_eq!(parse_source(text.as_bytes()), address.map(|text| text.parse().unwrap()), "{text}");
    }
}
