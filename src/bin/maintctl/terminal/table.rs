//! Tables on a terminal.

use crate::terminal::output::shown;

/// A table without its empty columns.
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let used: Vec<bool> = (0..headers.len())
        .map(|column| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let kept = |cells: Vec<String>| cells.into_iter().zip(&used).filter(|(_, used)| **used).map(|(cell, _)| cell);
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(kept(headers.iter().map(|header| (*header).to_owned()).collect()));
    for row in rows {
        table.add_row(kept(row.iter().map(|cell| shown(cell)).collect()));
    }
    table.trim_fmt()
}
