//! Rules that never decide, because of another that is asked before them.

use crate::commands::lint::finding::Level;
use crate::commands::lint::tests::{finds, levels, lines};

#[test]
fn a_rule_that_is_never_reached() {
    let covered = |wide: &str, narrow: &str| {
        let found = lines(&format!("health_checks: [{{ name: a, {wide} }}, {{ name: b, {narrow} }}]"));
        found.iter().any(|line| line.contains("never decides"))
    };
    for (wide, narrow) in [
        ("paths: [\"/a*\"]", "paths: [/a, \"/ab*\"]"),
        ("paths: [\"/a*\"]", "paths: [/a], methods: [GET]"),
        ("methods: [GET, PUT]", "methods: [PUT]"),
        ("remote_ips: [10.0.0.0/8]", "remote_ips: [10.1.0.0/16, 10.2.3.4]"),
        ("headers: [{ name: a }]", "headers: [{ name: A, value: x }, { name: c }]"),
        ("paths: [/a], modes: [offline, read_only]", "paths: [/a]"),
        ("cookies: [{ name: a, value: \"x*\" }]", "cookies: [{ name: a, value: xy }]"),
        ("uri_sans: [\"spiffe://a/*\"]", "uri_sans: [\"spiffe://a/b\"]"),
    ] {
        assert!(covered(wide, narrow), "{wide} {narrow}");
    }
    for (wide, narrow) in [
        ("paths: [\"/a*\"]", "paths: [/a, /b]"),
        ("paths: [\"/a*\"], methods: [GET]", "paths: [/a]"),
        ("paths: [/a], modes: [offline]", "paths: [/a]"),
        ("remote_ips: [10.1.0.0/16]", "remote_ips: [10.0.0.0/8]"),
        ("headers: [{ name: a, value: x }]", "headers: [{ name: a }]"),
        ("headers: [{ name: a }]", "headers: [{ name: a, value: { absent: true } }]"),
        ("paths: [{ regex: \"/a.*\" }]", "paths: [/ab]"),
        ("cookies: [{ name: a }]", "cookies: [{ name: A, value: x }]"),
    ] {
        assert!(!covered(wide, narrow), "{wide} {narrow}");
    }
}

/// A policy whose rules are asked in this order: its lists, which have one rule each and for the same path.
fn one_rule_each(lists: &[(&str, &str)]) -> String {
    let list = |(list, more): &(&str, &str)| format!("{list}: [{{ name: {}, paths: [/a]{more} }}]\n", &list[..1]);
    lists.iter().map(list).collect()
}

#[test]
fn a_rule_that_only_a_suspension_lets_decide() {
    let text = "exempt: [{ name: a, paths: [\"/a*\"] }]\nsites:\n- { name: s, exempt: [{ name: b, paths: [/ab] }] }\n\
         - { name: t, hosts: [t], exempt: [{ name: c, paths: [/c] }] }\n- { name: u, hosts: [u], exempt: [{ name: d, paths: [/c] }] }";
    finds(
        text,
        &[
            "f: sites[0].exempt[0]: rule \"b\" decides only while \"a\" (exempt[0]) is suspended, as that comes first and holds \
             wherever it does",
            "f: sites[1]: site \"t\" lies within site \"s\" (sites[0]); at t/ \"t\" wins",
            "f: sites[2]: site \"u\" lies within site \"s\" (sites[0]); at u/ \"u\" wins",
        ],
    );
    assert_eq!(levels(text), [Level::Note; 3]);
    let closed = "always_closed: [{ name: a, paths: [\"/a*\"] }, { name: b, paths: [/ab] }]";
    finds(
        closed,
        &[
            "f: always_closed[1]: rule \"b\" never decides, as \"a\" (always_closed[0]) comes first and holds wherever it does; \
             take one of them out",
        ],
    );
    assert_eq!(levels(closed), [Level::Warning]);
}

#[test]
fn a_rule_that_one_of_an_earlier_list_covers() {
    let never = |place: &str, name: &str, other: &str, list: &str| {
        format!(
            "f: {place}[0]: rule \"{name}\" never decides, as \"{other}\" ({list}[0]) comes first and holds wherever it does; take \
             one of them out"
        )
    };
    for (lists, found) in [
        ([("always_closed", ""), ("exempt", "")], Some("a")),
        ([("health_checks", ""), ("exempt", "")], Some("h")),
        ([("always_closed", ""), ("health_checks", "")], Some("a")),
        // Written in another order, they are asked in the same.
        ([("exempt", ""), ("always_closed", "")], Some("a")),
        ([("always_closed", ", methods: [PUT]"), ("exempt", "")], None),
        ([("always_closed", ""), ("exempt", ", methods: [PUT]")], Some("a")),
        ([("always_closed", ", modes: [read_only, offline]"), ("exempt", "")], Some("a")),
        ([("always_closed", ", modes: [offline]"), ("exempt", "")], None),
        ([("always_closed", ", modes: [offline]"), ("exempt", ", modes: [offline]")], Some("a")),
        ([("always_closed", ", modes: [read_only]"), ("exempt", ", modes: [read_only]")], Some("a")),
        ([("health_checks", ", modes: [read_only]"), ("exempt", ", modes: [read_only]")], Some("h")),
        ([("health_checks", ", modes: [read_only]"), ("exempt", ", modes: [offline]")], None),
        ([("health_checks", ", modes: [online, offline]"), ("exempt", "")], None),
    ] {
        let mut names = [lists[0].0, lists[1].0];
        names.sort_by_key(|name| ["always_closed", "health_checks", "exempt"].iter().position(|list| list == name));
        let line = found.map(|first| never(names[1], &names[1][..1], first, names[0]));
        let text = one_rule_each(&lists);
        finds(&text, &line.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(levels(&text), vec![Level::Warning; line.iter().len()], "{text}");
    }
    let all = one_rule_each(&[("exempt", ""), ("health_checks", ""), ("always_closed", "")]);
    finds(&all, &[&never("health_checks", "h", "a", "always_closed"), &never("exempt", "e", "a", "always_closed")]);
}

#[test]
fn a_rule_for_every_site_is_covered_only_where_all_sites_cover_it() {
    let policy = |second: &str| {
        format!(
            "exempt: [{{ name: e, paths: [/a] }}]\nsites:\n\
             - {{ name: s, hosts: [s], always_closed: [{{ name: a, paths: [/a] }}] }}\n- {{ name: t, hosts: [t]{second} }}"
        )
    };
    finds(&policy(""), &[]);
    finds(
        &policy(", exempt: [{ name: x, paths: [/a] }]"),
        &[
            "f: sites[1].exempt[0]: rule \"x\" decides only while \"e\" (exempt[0]) is suspended, as that comes first and holds \
         wherever it does",
        ],
    );
    finds(
        &policy(", health_checks: [{ name: h, paths: [/a] }]"),
        &[
            "f: exempt[0]: rule \"e\" never decides, as \"a\" (sites[0].always_closed[0]) comes first and holds wherever it does; \
         take one of them out",
        ],
    );
    finds(
        "sites:\n- { name: s, hosts: [s], always_closed: [{ name: a, paths: [/a] }] }\n\
         - { name: t, hosts: [t], exempt: [{ name: e, paths: [/a] }] }",
        &[],
    );
}
