use super::*;

#[test]
fn a_url_needs_the_http_scheme_and_a_host() {
    for (url, expected) in [
        ("http://127.0.0.1:10001/.maintenance", Some("http://127.0.0.1:10001/.maintenance")),
        ("https://e/.maintenance/", Some("https://e/.maintenance")),
        ("http://[::1]:10001/.maintenance", Some("http://[::1]:10001/.maintenance")),
        ("127.0.0.1:10001", None),
        ("ftp://e/", None),
        ("http://e/?a=b", None),
    ] {
        assert_eq!(base("envoys", url, "http://e").ok().as_deref(), expected, "{url}");
    }
}

#[test]
fn an_ip_address_needs_no_name_resolution() {
    for (url, address) in
        [("http://127.0.0.1:7/x", "127.0.0.1:7"), ("http://[::1]", "[::1]:80"), ("https://10.0.0.1", "10.0.0.1:443")]
    {
        assert_eq!(resolve(url), Ok(vec![address.parse().unwrap()]), "{url}");
    }
}
