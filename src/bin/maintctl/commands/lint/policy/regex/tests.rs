use super::*;

#[test]
fn a_regex_is_open_if_it_begins_with_a_caret_and_its_end_is_not_written() {
    for (regex, expected) in [
        ("^/admin", Some("^/admin")),
        ("^/admin/", Some("^/admin/")),
        ("\\A/admin", Some("\\A/admin")),
        ("(^/admin)", Some("(^/admin)")),
        ("(?:^/a|/b)", Some("(?:^/a|/b)")),
        ("^/a$|^/b", Some("^/b")),
        ("^/[|]", Some("^/[|]")),
        ("^/admin$", None),
        ("^/admin/.*", None),
        ("^(/a|/b).+", None),
        ("(^/a.*)", None),
        ("/admin", None),
        ("[^/]+", None),
        ("/a|/b", None),
        ("", None),
    ] {
        let found = alternatives(regex).into_iter().find(|alternative| is_open(alternative));
        assert_eq!(found, expected, "{regex}");
    }
}
