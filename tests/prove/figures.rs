//! What a part counted: numbers with a name each, which add up over runs, as they stand in a cell of PROOF.md.

use std::fmt;

/// Counts in the order in which they were first named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures(Vec<(String, u64)>);

impl Figures {
    /// Adds `n` to what is counted under `name`.
    pub(crate) fn count(&mut self, name: &str, n: u64) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += n,
            None => self.0.push((name.to_owned(), n)),
        }
    }

    /// What is counted under `name`.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(known, _)| known == name).map_or(0, |(_, n)| *n)
    }

    /// Adds all that another run counted.
    pub(crate) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(name, n)| self.count(name, *n));
    }

    /// All but what is counted under `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// Reads a cell; what is no figure in it is left out.
    pub(crate) fn parse(cell: &str) -> Self {
        let mut figures = Self::default();
        for item in cell.split("; ") {
            let number =
                item.split_once(' ').and_then(|(n, name)| Some((n.replace(',', "").parse().ok()?, name.trim())));
            if let Some((n, name)) = number {
                figures.count(name, n);
            }
        }
        figures
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.0.iter().map(|(name, n)| format!("{} {name}", grouped(*n))).collect();
        f.write_str(&items.join("; "))
    }
}

/// 1234567 as 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_what_it_was_written_from() {
        let mut figures = Figures::default();
        for (name, n) in [("kills", 1_234_567), ("of hooks", 999), ("lost", 0)] {
            figures.count(name, n);
        }
        assert_eq!(figures.to_string(), "1,234,567 kills; 999 of hooks; 0 lost");
        assert_eq!(Figures::parse(&figures.to_string()), figures);
        let mut twice = figures.clone();
        twice.add(&figures);
        assert_eq!(twice.to_string(), "2,469,134 kills; 1,998 of hooks; 0 lost");
    }
}
