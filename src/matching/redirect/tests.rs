use super::*;

#[test]
fn a_target_has_a_host_and_a_canonical_path() {
    for (url, host, path) in [
        ("https://status.example.com", Some("status.example.com"), "/"),
        ("https://status.example.com?a=b", Some("status.example.com"), "/"),
        ("HTTPS://Status.Example.com:8443/%7euser?a=//b#c", Some("status.example.com"), "/~user"),
        ("/sorry", None, "/sorry"),
        ("/sorry?from=/../x", None, "/sorry"),
    ] {
        let target = RedirectTarget::compile(url, &KeyPath::Root).unwrap();
        assert_eq!(target.host.as_ref().map(Host::as_str), host, "{url}");
        assert_eq!(target.path, path, "{url}");
    }
}

#[test]
fn malformed_redirects_are_refused() {
    for (url, message) in [
        ("sorry", "\"sorry\" is neither an http or https URL nor an absolute path"),
        ("", "\"\" is neither an http or https URL nor an absolute path"),
        ("ftp://example.com/", "\"ftp://example.com/\" is neither an http or https URL nor an absolute path"),
        ("javascript:x", "\"javascript:x\" is neither an http or https URL nor an absolute path"),
        ("//example.com/", "\"//example.com/\" has an ambiguous path"),
        ("/a/../b", "\"/a/../b\" has an ambiguous path"),
        ("https://example.com\\x", "\"https://example.com\\\\x\" has an ambiguous path"),
        ("https://", "\"https://\" has no valid host"),
        ("https://me@example.com/", "\"https://me@example.com/\" has no valid host"),
        ("/a b", "\"/a b\" contains characters that must be percent-encoded in a URL"),
        ("/a\r\nx: y", "\"/a\\u000d\\u000ax: y\" contains characters that must be percent-encoded in a URL"),
        ("/ä", "\"/ä\" contains characters that must be percent-encoded in a URL"),
    ] {
        assert_eq!(RedirectTarget::compile(url, &KeyPath::Root).unwrap_err().to_string(), message);
    }
}
