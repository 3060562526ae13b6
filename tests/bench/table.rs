//! Rows of cells as aligned columns: the first to the left, numbers to the right, words to the left.

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A table that grows by rows.
#[derive(Debug)]
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these heads.
    pub(crate) fn new(heads: &[(&str, Side)]) -> Self {
        let (rows, sides) = heads.iter().map(|(head, side)| ((*head).to_owned(), *side)).unzip();
        Self { sides, rows: vec![rows] }
    }

    /// Adds a row; what it lacks is empty.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As it is read at a terminal, or as PROOF.md holds it.
    pub(crate) fn said(&self, markdown: bool) -> String {
        if !markdown {
            return self.to_string();
        }
        let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let rule = self.sides.iter().map(|side| if *side == Side::Right { "--:" } else { "---" });
        let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        let row = |row: &Vec<String>| line(&mut (0..self.sides.len()).map(|at| row.get(at).map_or("", String::as_str)));
        let (head, rows) = (self.rows.iter().take(1).map(row), self.rows.iter().skip(1).map(row));
        head.chain([rule]).chain(rows).collect()
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..self.sides.len()).map(|at| width(at).unwrap_or(0)).collect();
        for (nth, row) in self.rows.iter().enumerate() {
            let cells = self.sides.iter().zip(&widths).enumerate().map(|(at, (side, &width))| {
                let cell = row.get(at).map_or("", String::as_str);
                match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                }
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            if nth == 0 {
                writeln!(f, "{}", "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)))?;
            }
        }
        Ok(())
    }
}

/// A number with three digits that mean something, at least.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[("what", Side::Left), ("ms", Side::Right), ("goal", Side::Left)]);
        table.row(vec!["a list".to_owned(), "0.71".to_owned(), "met".to_owned()]);
        table.row(vec!["no".to_owned(), "12,345".to_owned()]);
        assert_eq!(
            table.to_string(),
            "what        ms  goal\n--------------------\na list    0.71  met\nno      12,345\n"
        );
    }

    #[test]
    fn a_page_holds_the_same_cells() {
        let mut table = Table::new(&[("what", Side::Left), ("ms", Side::Right), ("goal", Side::Left)]);
        table.row(vec!["a list".to_owned(), "0.71".to_owned()]);
        assert_eq!(table.said(true), "| what | ms | goal |\n|---|--:|---|\n| a list | 0.71 |  |\n");
        assert_eq!(table.said(false), table.to_string());
    }

    #[test]
    fn numbers_are_as_long_as_they_need() {
        let check = |value, expected: &str| assert_eq!(number(value), expected);
        check(0.0436, "0.044");
        check(1.136, "1.14");
        check(23.55, "23.6");
        check(933.2, "933");
        check(1_234_567.0, "1,234,567");
        check(-1_234.0, "-1,234");
        check(-123.0, "-123");
    }
}
