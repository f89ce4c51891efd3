//! Tables that fit the width of a terminal.

use std::io::{self, IsTerminal};

use comfy_table::{Color, ContentArrangement, Table};

use crate::terminal::output::{has_colours, shown};

/// The space between two columns.
const PADDING: u16 = 2;

/// One cell. Its text needs no escapes: [`table`] adds them.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    colour: Option<Color>,
}

impl Cell {
    /// A cell with this colour on terminals.
    pub fn coloured(text: String, colour: Option<Color>) -> Cell {
        Cell { text, colour }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, colour: None }
    }
}

/// A table as [`table`] makes it; `None` if cells would have to wrap.
pub fn table_without_wraps(headers: &[&str], rows: &[Vec<Cell>]) -> Option<String> {
    let longest = layout(headers, rows, None, false).lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let fits = width().is_none_or(|width| longest <= usize::from(width));
    fits.then(|| layout(headers, rows, None, has_colours()))
}

/// A value as a line, with escapes for control characters; several lines on a terminal that is too narrow.
pub fn wrapped(line: &str) -> String {
    let mut table = plain(width());
    table.add_row([shown(line)]);
    finished(table)
}

/// A table without its empty columns. Long cells wrap if stdout is a terminal that is too narrow. The result is trusted
/// text: it has escapes for control characters, and colour sequences on a terminal.
pub fn table(headers: &[&str], rows: &[Vec<Cell>]) -> String {
    layout(headers, rows, width(), has_colours())
}

fn layout(headers: &[&str], rows: &[Vec<Cell>], width: Option<u16>, colours: bool) -> String {
    let used: Vec<bool> = (0..headers.len())
        .map(|column| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty())))
        .collect();
    let mut table = plain(width);
    if colours {
        table.enforce_styling().style_text_only();
    }
    table.set_header(headers.iter().zip(&used).filter(|(_, used)| **used).map(|(header, _)| *header));
    for row in rows {
        let cells = row.iter().zip(&used).filter(|(_, used)| **used).map(|(cell, _)| {
            let shown = comfy_table::Cell::new(shown(&cell.text));
            match cell.colour {
                Some(colour) => shown.fg(colour),
                None => shown,
            }
        });
        table.add_row(cells);
    }
    finished(table)
}

/// A table without borders, which wraps cells at this width.
fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).force_no_tty();
    if let Some(width) = width {
        // The padding of the last column is cut off.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(PADDING));
    }
    table
}

fn finished(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    table.trim_fmt()
}

/// The width of the terminal on stdout: that of the terminal, else the variable COLUMNS; `None` without a terminal.
fn width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let measured = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
    let columns = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    measured.or_else(columns).filter(|width| *width > 0)
}

#[cfg(test)]
mod tests;
