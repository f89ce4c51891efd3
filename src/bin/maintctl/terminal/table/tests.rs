use super::*;

fn rows(reason: &str) -> Vec<Vec<Cell>> {
    let cell = |text: &str| Cell::from(text.to_owned());
    vec![vec![cell("shop"), Cell::coloured("OFFLINE".to_owned(), Some(Color::Red)), cell(""), cell(reason)]]
}

#[test]
fn empty_columns_are_left_out() {
    assert_eq!(
        layout(&["SITE", "STATUS", "ETA", "REASON"], &rows("Upgrade"), None, false),
        "SITE  STATUS   REASON\nshop  OFFLINE  Upgrade"
    );
}

#[test]
fn long_cells_wrap_at_the_width_of_the_terminal() {
    let reason = "Upgrade of the database to a new version";
    for width in [30, 40, 60] {
        let table = layout(&["SITE", "STATUS", "ETA", "REASON"], &rows(reason), Some(width), false);
        let longest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= usize::from(width), "{width}: {table}");
        for word in reason.split(' ') {
            assert!(table.contains(word), "{width}: {table}");
        }
    }
    assert_eq!(layout(&["SITE", "STATUS", "ETA", "REASON"], &rows(reason), None, false).lines().count(), 2);
}

#[test]
fn control_characters_of_a_cell_are_escaped_and_its_colour_is_not() {
    let table = layout(&["SITE", "STATUS", "ETA", "REASON"], &rows("a\u{1b}[31m"), None, true);
    assert!(table.contains("\u{1b}[38;5;9mOFFLINE\u{1b}[39m"), "{table:?}");
    assert!(table.contains("a\\u001b[31m"), "{table:?}");
}
