use super::*;

#[test]
fn a_name_that_is_declared_twice_is_found_wherever_it_is() {
    let once = "struct Once; impl Iterator for Once { type Item = u8; }";
    let rows: &[(&str, &[&str])] = &[
        ("struct Once2;", &[]),
        ("\nenum Once {}", &["Once: src/a.rs:1, src/b.rs:2"]),
        ("mod tests { union Once { a: u8 } }", &["Once: src/a.rs:1, src/b.rs:1"]),
        ("fn f() { trait Once {} }", &["Once: src/a.rs:1, src/b.rs:1"]),
        ("type Once = u8;", &["Once: src/a.rs:1, src/b.rs:1"]),
        ("impl Iterator for A { type Item = Once; }", &[]),
    ];
    for (text, expected) in rows {
        assert_eq!(declared_twice(&Sources::of(&[("src/a.rs", once), ("src/b.rs", text)])), *expected, "{text}");
    }
}
