use super::*;

#[test]
fn hosts_have_one_canonical_form() {
    for (authority, host) in [
        ("shop.example.com", Some("shop.example.com")),
        ("SHOP.Example.com:8443", Some("shop.example.com")),
        ("shop.example.com.", Some("shop.example.com")),
        ("shop.example.com.:443", Some("shop.example.com")),
        ("shop.example.com:", Some("shop.example.com")),
        ("10.0.0.1:80", Some("10.0.0.1")),
        ("[::1]:80", Some("[::1]")),
        ("[0:0::1]", Some("[::1]")),
        ("localhost", Some("localhost")),
        ("a_b.example", Some("a_b.example")),
        ("", None),
        (".", None),
        ("..", None),
        ("a..b", None),
        ("shop.example.com..", None),
        ("user@shop.example.com", None),
        ("shop.example.com,other.example.com", None),
        ("shop.example.com other", None),
        ("shop.example.com:80:80", None),
        ("shop.example.com:8a", None),
        ("shop%2eexample.com", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[10.0.0.1]", None),
        ("shop.example.com/", None),
        ("shöp.example.com", None),
    ] {
        assert_eq!(Host::parse(authority.as_bytes()).as_ref().map(Host::as_str), host, "{authority}");
    }
    assert_eq!(Host::parse(b"shop\xff.example.com"), None);
}
