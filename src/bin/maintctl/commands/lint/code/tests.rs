use super::*;

#[test]
fn codes_are_sorted_words_joined_by_hyphens() {
    assert!(ALL.is_sorted_by(|one, next| one.name < next.name));
    for code in ALL {
        assert!(code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert!(!code.summary.ends_with('.'), "{}", code.name);
    }
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lint.md");
const BEGIN: &str = "<!-- generated: codes of lint -->";
const END: &str = "<!-- end of the codes -->";

/// With `UPDATE_DOCS=1`, rewrites the table instead.
#[test]
fn the_reference_of_codes_in_the_documentation_is_current() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a marker for the beginning");
    let (_, after) = rest.split_once(END).expect("a marker for the end");
    let row = |code: &&Code| format!("| `{}` | {} | {} |\n", code.name, code.level.name(), code.summary);
    let rows: String = ALL.iter().map(row).collect();
    let current = format!("{before}{BEGIN}\n\n| code | level | meaning |\n|---|---|---|\n{rows}\n{END}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &current).unwrap();
    } else {
        assert_eq!(text, current, "run: UPDATE_DOCS=1 cargo test --features strip-exports --bin maintctl reference");
    }
}
