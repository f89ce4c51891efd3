use super::*;

#[test]
fn unit_tests_have_one_layout() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("src/a.rs", "#[cfg(test)]\nmod tests;", &[]),
        ("src/a.rs", "#[cfg(test)]\nmod tests { #[test] fn f() {} }", &["src/a.rs:1"]),
        ("src/a.rs", "#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;", &["src/a.rs:1"]),
        ("src/a.rs", "#[cfg(test)]\nmod more_tests;", &["src/a.rs:1"]),
        ("src/a_tests.rs", "\n#[test]\nfn f() {}", &["src/a_tests.rs:2"]),
        ("src/a/tests.rs", "mod hosts; #[test] fn f() {}", &[]),
        ("src/a/tests/hosts.rs", "#[test] fn f() {}", &[]),
        ("tests/e2e/main.rs", "#[test] fn f() {}", &[]),
    ];
    for (path, text, expected) in rows {
        assert_eq!(misplaced_tests(&Sources::of(&[(path, text)])), *expected, "{path}: {text}");
    }
}

#[test]
fn an_if_in_a_condition_is_found() {
    let rows: &[(&str, &[&str])] = &[
        ("if if a { b } else { c } { d }", &["src/a.rs:1"]),
        ("if x && !(if a { b } else { c }) { d }", &["src/a.rs:1"]),
        ("while if a { b } else { c } {}", &["src/a.rs:1"]),
        ("match if a { b } else { c } { _ => {} }", &["src/a.rs:1"]),
        ("let x = if a { b } else if c { d } else { e };", &[]),
        ("if f(|| if a { b } else { c }) { d }", &[]),
        ("if let Some(x) = y && x { d }", &[]),
    ];
    for (text, expected) in rows {
        let text = format!("fn f() {{ {text} }}");
        assert_eq!(nested_conditions(&Sources::of(&[("src/a.rs", &text)])), *expected, "{text}");
    }
}
