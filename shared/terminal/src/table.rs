//! A table that people read: columns that fit the terminal, wide characters counted as wide, no frame.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

/// Rows under a head line.
#[derive(Debug)]
pub struct Table {
    grid: Grid,
}

impl Table {
    /// With these column heads. `width` is the terminal's, in columns; without one, as in a pipe, a row is one line however
    /// long.
    pub fn new(heads: &[&str], width: Option<u16>) -> Self {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING);
        match width {
            Some(width) => grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => grid.set_content_arrangement(ContentArrangement::Disabled),
        };
        grid.set_header(heads);
        Self { grid }
    }

    /// Aligns the column number `column` to the right, as figures are.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        if let Some(column) = self.grid.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self
    }

    /// Adds a row. Control characters are shown as symbols, so that no content can move the cursor.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.grid.add_row(cells.into_iter().map(|cell| visible(cell.as_ref())));
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.grid.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.grid.lines() {
            // Frames need the blanks at the ends, people do not.
            writeln!(f, "{}", line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()))?;
        }
        Ok(())
    }
}

/// `text` with control characters as the symbols that stand for them.
pub fn visible(text: &str) -> String {
    let symbol = |c: char| match c {
        '\u{7f}' => '\u{2421}',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) => {
            '\u{fffd}'
        }
        c => c,
    };
    text.chars().map(symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: Option<u16>, expected: &str) {
        let mut table = Table::new(&["name", "size"], width).right(1);
        table.row(["one", "1 KiB"]);
        table.row(["日本語 two words", "12 MiB"]);
        assert_eq!(table.to_string(), expected, "{table}");
    }

    #[test]
    fn columns_fit() {
        check(
            None,
            "\
name                size
one                1 KiB
日本語 two words  12 MiB
",
        );
        check(
            Some(20),
            "\
name          size
one          1 KiB
日本語 two  12 MiB
words
",
        );
    }

    #[test]
    fn content_cannot_move_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Jb\u{7f}\u{9b}\u{202e}é"), "a␛[2Jb␡\u{fffd}\u{fffd}é");
    }
}
