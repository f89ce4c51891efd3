use super::*;

fn set(texts: &[&str]) -> IpSet {
    IpSet::new(texts.iter().map(|text| parse(text).unwrap()).collect())
}

#[test]
fn a_set_contains_the_addresses_of_its_ranges_only() {
    let set = set(&["10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "::ffff:198.51.100.0/120", "203.0.113.8/32"]);
    for (address, inside) in [
        ("10.0.0.0", true),
        ("10.255.255.255", true),
        ("::ffff:10.1.2.3", true),
        ("9.255.255.255", false),
        ("11.0.0.0", false),
        ("203.0.113.6", false),
        ("203.0.113.7", true),
        ("203.0.113.8", true),
        ("203.0.113.9", false),
        ("198.51.100.200", true),
        ("2001:db8:ffff::1", true),
        ("2001:db9::", false),
        ("::10.0.0.1", false),
    ] {
        assert_eq!(set.contains(address.parse().unwrap()), inside, "{address}");
    }
}

#[test]
fn ipv6_ranges_contain_no_ipv4_address() {
    let clients = ["0.0.0.0", "203.0.113.7", "::ffff:203.0.113.7", "255.255.255.255"];
    for range in ["::/0", "::/1", "::/64", "::/80", "::8000:0:0/81", "::fffe:0:0/95", "2001:db8::/32"] {
        let set = set(&[range]);
        for address in clients {
            assert!(!set.contains(address.parse().unwrap()), "{range} {address}");
        }
    }
    for (ranges, address, inside) in [
        (&["::/0"][..], "2001:db8::1", true),
        (&["::/0"], "::1", true),
        (&["::/0"], "::fffe:ffff:ffff", true),
        (&["::/0"], "::1:0:0:0", true),
        (&["::/0", "::/80"], "2001:db8::1", true),
        (&["::/80", "::/0"], "2001:db8::1", true),
        (&["::/80"], "::fffe:ffff:ffff", true),
        (&["::/80"], "::1:0:0:0", false),
        (&["::/0", "203.0.113.0/24"], "203.0.113.7", true),
        (&["::/0", "203.0.113.0/24"], "203.0.112.7", false),
        (&["::/0", "0.0.0.0/0"], "203.0.113.7", true),
        (&["::/0", "0.0.0.0/0"], "2001:db8::1", true),
        (&["::ffff:0:0/96"], "203.0.113.7", true),
        (&["::ffff:0:0/96"], "::1", false),
    ] {
        assert_eq!(set(ranges).contains(address.parse().unwrap()), inside, "{ranges:?} {address}");
    }
}

#[test]
fn malformed_ranges_are_refused() {
    for (text, message) in [
        ("10.0.0/8", "\"10.0.0/8\" is not an IP address or CIDR range"),
        ("10.0.0.0/33", "\"10.0.0.0/33\" is not an IP address or CIDR range"),
        ("10.0.0.0/", "\"10.0.0.0/\" is not an IP address or CIDR range"),
        ("10.0.0.0/+8", "\"10.0.0.0/+8\" is not an IP address or CIDR range"),
        ("10.0.0.1/8", "\"10.0.0.1/8\" has bits set after its prefix of 8 bits"),
        ("2001:db8::1/32", "\"2001:db8::1/32\" has bits set after its prefix of 32 bits"),
        ("010.0.0.1", "\"010.0.0.1\" is not an IP address or CIDR range"),
        ("fe80::1%eth0", "\"fe80::1%eth0\" is not an IP address or CIDR range"),
        ("office", "\"office\" is not an IP address or CIDR range"),
        ("", "\"\" is not an IP address or CIDR range"),
    ] {
        assert_eq!(parse(text), Err(message.to_owned()));
    }
}
