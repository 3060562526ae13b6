//! A table that people read: columns that fit the terminal, wide characters counted as wide, no frame.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

use crate::text::{columns, one_line, visible};

/// A column that is cut keeps so many columns of the terminal, however narrow that is.
const NARROWEST: usize = 12;
/// A cell that is cut is no longer, where there is no terminal.
const LONGEST: usize = 200;

/// Rows under a head line.
#[derive(Debug)]
pub struct Table {
    width: Option<u16>,
    heads: Vec<String>,
    right: Vec<usize>,
    cut: Option<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these column heads. `width` is the terminal's, in columns; without one, as in a pipe, a row is one line however
    /// long.
    pub fn new(heads: &[&str], width: Option<u16>) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { width, heads, right: Vec::new(), cut: None, rows: Vec::new() }
    }

    /// Aligns the column number `column` to the right, as figures are.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.right.push(column);
        self
    }

    /// Cuts the cells of the column number `column` to the room that the others leave, instead of folding any cell.
    #[must_use]
    pub fn cut(mut self, column: usize) -> Self {
        self.cut = Some(column);
        self
    }

    /// Adds a row. Control characters are shown as symbols, so that no content can move the cursor.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cut = self.cut;
        let shown = |(at, cell): (usize, T)| match cut {
            Some(cut) if cut == at => one_line(cell.as_ref(), LONGEST),
            _ => visible(cell.as_ref()),
        };
        self.rows.push(cells.into_iter().enumerate().map(shown).collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is left for the column that is cut; a blank stands at both sides of each, but not at the edges.
    fn room(&self, cut: usize) -> Option<usize> {
        let all = usize::from(self.width?);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).chain(self.heads.get(column));
            cells.map(|cell| columns(cell)).max().unwrap_or(0)
        };
        let others: usize =
            (0..self.heads.len()).filter(|column| *column != cut).map(|column| widest(column) + 2).sum();
        Some(all.saturating_sub(others).max(NARROWEST))
    }

    fn grid(&self) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING);
        let room = self.cut.and_then(|cut| Some((cut, self.room(cut)?)));
        match self.width {
            Some(width) if room.is_none() => {
                grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            }
            _ => {
                grid.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        grid.set_header(&self.heads);
        for row in &self.rows {
            let cut = |(at, cell): (usize, &String)| match room {
                Some((column, room)) if column == at => one_line(cell, room),
                _ => cell.clone(),
            };
            grid.add_row(row.iter().enumerate().map(cut));
        }
        for &column in &self.right {
            if let Some(column) = grid.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        grid
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.grid().lines() {
            // Frames need the blanks at the ends, people do not.
            writeln!(f, "{}", line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: Table, expected: &str) {
        let mut table = table.right(1);
        table.row(["one", "1 KiB"]);
        table.row(["日本語 two words", "12 MiB"]);
        assert_eq!(table.to_string(), expected, "{table}");
    }

    #[test]
    fn columns_fit() {
        let heads = ["name", "size"];
        check(
            Table::new(&heads, None),
            "\
name                size
one                1 KiB
日本語 two words  12 MiB
",
        );
        check(
            Table::new(&heads, Some(20)),
            "\
name          size
one          1 KiB
日本語 two  12 MiB
words
",
        );
        check(
            Table::new(&heads, Some(20)).cut(0),
            "\
name           size
one           1 KiB
日本語 two…  12 MiB
",
        );
        check(
            Table::new(&heads, Some(5)).cut(0),
            "\
name           size
one           1 KiB
日本語 two…  12 MiB
",
        );
    }
}
