use super::*;
use proptest::prelude::*;

#[test]
fn equivalent_paths_have_one_canonical_form() {
    for (path, canonical) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61dmin", "/admin"),
        ("/a%7eb", "/a~b"),
        ("/a%c3%a9", "/a%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/a.b/..c/...", "/a.b/..c/..."),
        ("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="),
        ("/a%3ab%40c%21%24%26%27%28%29%2A%2b%2C%3D", "/a:b@c!$&'()*+,="),
        ("/v1/x%3Acancel", "/v1/x:cancel"),
        ("/\"<>[]^{|}`", "/\"<>[]^{|}`"),
        ("/%22%3C%3e%5B%5d%5E%7b%7C%7D%60", "/\"<>[]^{|}`"),
        ("/100%25", "/100%25"),
        ("/a%25zz", "/a%25zz"),
    ] {
        assert_eq!(RequestPath::parse(path.as_bytes()), RequestPath::Canonical(canonical.to_owned()));
    }
}

#[test]
fn an_ambiguous_path_has_each_interpretation_once() {
    for (path, expected) in [
        (&b"/a//b"[..], &["/a//b", "/a/b"][..]),
        (b"/a//", &["/a//", "/a/"]),
        (b"/a%2Fb", &["/a%2Fb", "/a/b"]),
        (b"/a%2fb", &["/a%2Fb", "/a/b"]),
        (b"/a%5Cb", &["/a%5Cb", "/a/b"]),
        (b"/a\\b", &["/a%5Cb", "/a/b"]),
        (b"/a;x=1/b", &["/a%3Bx=1/b", "/a/b"]),
        (b"/a%00b", &["/a%00b", "/a"]),
        (b"/a%0ab", &["/a%0Ab", "/ab"]),
        (b"/a%3Fb", &["/a%3Fb", "/a"]),
        (b"/a#b", &["/a%23b", "/a"]),
        (b"/a%", &["/a%", "/a%25"]),
        (b"/a%zz", &["/a%zz", "/a%25zz"]),
        (b"/a\xffb", &["/a%FFb"]),
        ("/caf\u{e9}".as_bytes(), &["/caf%C3%A9"]),
        (b"/%2561", &["/%2561", "/a"]),
        (b"/a%20%0b", &["/a%20%0B", "/a"]),
        (b"/;x%2fy/b", &["/%3Bx%2Fy/b", "//b", "/b", "/%3Bx/y/b", "//y/b", "/y/b", "/"]),
        (b"/%252561", &["/%252561", "/%2561", "/a"]),
        (b"/a%c0%afb", &["/a%C0%AFb", "/a/b"]),
        (b"/a;b//c", &["/a%3Bb//c", "/a//c", "/a%3Bb/c", "/a/c"]),
        (b"//a b", &["//a%20b", "/", "/a%20b"]),
        (b"*", &["*"]),
    ] {
        let RequestPath::Ambiguous { raw, interpretations } = RequestPath::parse(path) else {
            panic!("{:?}", RequestPath::parse(path))
        };
        assert_eq!(raw, String::from_utf8_lossy(path));
        let own: Vec<&str> =
            interpretations.iter().filter(|one| one.host == NamedHost::Own).map(|one| one.path.as_str()).collect();
        let mut sorted = (own.clone(), expected.to_vec());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "{raw}");
    }
}

#[test]
fn a_path_that_begins_with_two_slashes_can_name_a_host() {
    for (path, host, rest) in [
        ("//shop/a", "shop", "/a"),
        ("///shop", "shop", "/"),
        ("/\\Shop.:80/a//b", "shop", "/a/b"),
        ("/%2fuser@shop/a", "shop", "/a"),
    ] {
        let RequestPath::Ambiguous { interpretations, .. } = RequestPath::parse(path.as_bytes()) else {
            panic!("{path} is ambiguous")
        };
        let is_wanted = |one: &&Interpretation| {
            one.path == rest && matches!(&one.host, NamedHost::Other(known) if known.as_str() == host)
        };
        assert!(interpretations.iter().any(|one| is_wanted(&one)), "{path}: {interpretations:?}");
        assert!(interpretations.iter().any(|one| one.path == rest && one.host == NamedHost::Own), "{path}");
    }
}

#[test]
fn a_path_with_a_dot_segment_in_any_decoding_can_resolve_to_any_path() {
    let long = format!("/{}", "a".repeat(MAX_PATH));
    for path in [
        "/admin/../x",
        "/admin/%2e%2e/x",
        "/a/.",
        "/a/b/..",
        "/%252e%252e;/a",
        "/a#/../b",
        "/a%00/../../b",
        "/a/..%5cb",
        "/a/..%255cb",
        "/a/..%20",
        "/a/..%0b%0c",
        "",
        "a/b",
        "http://host/a",
        &long,
    ] {
        let found = RequestPath::parse(path.as_bytes());
        assert!(matches!(found, RequestPath::Anywhere { .. }), "{path}: {found:?}");
    }
    for path in ["/a/...", "/..a", "/a..", "/.well-known/a", "/a/.b/c.", "/a;../b"] {
        assert!(!matches!(RequestPath::parse(path.as_bytes()), RequestPath::Anywhere { .. }), "{path}");
    }
}

#[test]
fn a_name_that_is_not_ascii_can_be_any_host() {
    for (path, expected) in
        [("//clos\u{ff45}d/a", true), ("//clos%EF%BD%85d/a", true), ("//closed/a", false), ("/\u{ff45}//a", false)]
    {
        let RequestPath::Ambiguous { interpretations, .. } = RequestPath::parse(path.as_bytes()) else {
            panic!("{path} is ambiguous")
        };
        let is_found = interpretations.iter().any(|one| one.host == NamedHost::Any && one.path == "/a");
        assert_eq!(is_found, expected, "{path}");
    }
}

#[test]
fn a_path_that_resolves_to_two_leading_slashes_can_name_a_host() {
    for (path, expected) in [
        ("//host/.", true),
        ("/.//host", true),
        ("/x/..//host", true),
        ("/x/..%2f%5chost/a", true),
        ("/;x/../host", true),
        ("/x//../host", false),
        ("/x/../host/", false),
        ("/x/y/..//host", false),
    ] {
        let found = RequestPath::parse(path.as_bytes());
        assert!(
            matches!(found, RequestPath::Anywhere { may_leave_host, .. } if may_leave_host == expected),
            "{path}: {found:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_canonical_path_is_its_own_canonical_form(bytes in "[/.%a-fA-F0-9;~x:*<{?]{0,40}") {
        if let RequestPath::Canonical(path) = RequestPath::parse(bytes.as_bytes()) {
            prop_assert_eq!(RequestPath::parse(path.as_bytes()), RequestPath::Canonical(path.clone()));
        }
    }

    #[test]
    fn needless_percent_encoding_does_not_change_a_path(
        path in "/[!\"$&-.0-:<->@-\\[\\]-~]{1,20}",
        encoded in prop::collection::vec(any::<bool>(), 20),
    ) {
        let encoded_path: String = path.strip_prefix('/').unwrap().chars().zip(encoded).map(|(c, encoded)| {
            if encoded { format!("%{:02x}", u32::from(c)) } else { c.to_string() }
        }).collect();
        prop_assume!(!path.strip_prefix('/').is_some_and(|name| matches!(name, "." | "..")));
        prop_assert_eq!(RequestPath::parse(format!("/{encoded_path}").as_bytes()), RequestPath::Canonical(path));
    }
}
