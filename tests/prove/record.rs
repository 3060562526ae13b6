//! The table of PROOF.md that no person writes: a row for each part, with what all runs of it counted.

use std::fs;
use std::time::Duration;

use harness::repository;

use crate::figures::Figures;
use crate::machine;
use crate::part::Part;

/// The line above the rows.
const HEAD: &str = "| part | runs | counted in all of them | the last one |\n|---|---|---|---|\n";

/// Adds a run to the row of its part.
///
/// # Panics
/// When PROOF.md cannot be read or written, or has no such table.
pub(crate) fn add(part: &Part, figures: &Figures, took: Duration) {
    let path = repository().join("PROOF.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let last = format!("{}, {}, {}", machine::today(), machine::spoken(took), machine::described());
    let text =
        added(&text, part.name, figures, &last).unwrap_or_else(|| panic!("no table of runs in {}", path.display()));
    fs::write(&path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// `text` with the row of `part`; `None` if it has no table.
fn added(text: &str, part: &str, figures: &Figures, last: &str) -> Option<String> {
    let begin = text.find(HEAD)? + HEAD.len();
    let table: String = text[begin..].split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    let mut rows: Vec<String> = table.lines().map(str::to_owned).collect();
    let own = format!("| `{part}` |");
    let known = rows.iter().position(|row| row.starts_with(&own));
    let (mut runs, mut sum) = (0, Figures::default());
    if let Some(at) = known {
        let cells: Vec<_> = rows[at].split('|').map(str::trim).collect();
        runs = cells.get(2)?.parse().ok()?;
        sum = Figures::parse(cells.get(3)?);
    }
    sum.add(figures);
    let row = format!("{own} {} | {sum} | {last} |", runs + 1);
    match known {
        Some(at) => rows[at] = row,
        None => rows.push(row),
    }
    Some(format!("{}{}\n{}", &text[..begin], rows.join("\n"), &text[begin + table.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up_and_the_rest_stays() {
        let figures = Figures::parse("1,000 kills; 0 lost");
        let first = added(&format!("# Proof\n\n{HEAD}\nend\n"), "kill", &figures, "today, here").unwrap();
        assert_eq!(first, format!("# Proof\n\n{HEAD}| `kill` | 1 | 1,000 kills; 0 lost | today, here |\n\nend\n"));
        let other = added(&first, "cut", &Figures::parse("50 cuts"), "today").unwrap();
        let again = added(&other, "kill", &figures, "tomorrow").unwrap();
        let rows = "| `kill` | 2 | 2,000 kills; 0 lost | tomorrow |\n| `cut` | 1 | 50 cuts | today |\n";
        assert_eq!(again, format!("# Proof\n\n{HEAD}{rows}\nend\n"));
        assert_eq!(added("no table", "kill", &figures, ""), None);
    }
}
