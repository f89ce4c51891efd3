use super::*;
use crate::commands::lint::tests::lines;

/// The key paths of the errors that lint reports.
fn paths(policy: &str) -> Vec<String> {
    lines(policy).iter().filter_map(|line| Some(line.split(": ").nth(1)?.to_owned())).collect()
}

#[test]
fn every_error_is_reported_at_its_own_key_path() {
    let policy = "fleet: A\nsits: []\nsites:\n- { name: a, hosts: [a b, a, c d, e f] }\n- { name: b, hosts: [b], pth: [] }\n\
                  exempt:\n- { name: r, remote_ips: [10.0.0/8] }\n- { name: s, methods: [get, GET] }\n\
                  state: { a: { mode: closed } }";
    let expected = [
        "sites[1].pth",
        "state.a.mode",
        "sits",
        "fleet",
        "exempt[0].remote_ips[0]",
        "exempt[1].methods[0]",
        "sites[0].hosts[0]",
        "sites[0].hosts[2]",
        "sites[0].hosts[3]",
    ];
    let mut found = paths(policy);
    let mut expected = expected.map(str::to_owned);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_search_ends_where_a_removal_would_cause_other_errors() {
    assert_eq!(paths("sites: [{ hosts: [a] }, { name: b, hosts: [c d] }]"), ["sites[0].name"]);
    assert_eq!(paths("state: { a: { mode: online } }\nsites: [{ name: A }]"), ["sites[0].name"]);
}

#[test]
fn a_key_path_is_split_into_steps() {
    for path in ["a", "a.b", "a[0]", "a[0][12].b.c[3]"] {
        assert_eq!(to_path(&steps(path).unwrap()), path);
    }
    for path in ["", "a..b", "a[b]", "[0]", "a[0"] {
        assert_eq!(steps(path), None, "{path}");
    }
}
