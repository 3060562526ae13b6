//! How cost grows: the same questions of a store ten and a hundred times as large, and more ingesters on one backlog.

use harness::Figure;

use crate::gather::{self, Step};
use crate::machine;
use crate::table::{Side, Table, number};

/// Conversations in the stores that are asked, as the bench names them and as people do.
const SIZES: [(&str, &str); 3] = [("10000", "10,000"), ("100000", "100,000"), ("1m", "1,000,000")];
const SMALL: [(&str, &str); 2] = [("1000", "1,000"), ("10000", "10,000")];
/// Ingesters at once.
const INGESTERS: [&str; 3] = ["1", "2", "4"];

/// Measures and prints both tables; whether everything could be measured.
pub(crate) fn tables(quick: bool, markdown: bool) -> bool {
    let (sizes, rounds, files) = if quick { (&SMALL[..], "20", "4000") } else { (&SIZES[..], "100", "50000") };
    let api = |size| [("PROMPT_MANAGER_BENCH_SIZE", size), ("PROMPT_MANAGER_BENCH_ROUNDS", rounds)];
    let queue = |ingesters| [("PROMPT_MANAGER_BENCH_FILES", files), ("PROMPT_MANAGER_BENCH_INGESTERS", ingesters)];
    gather::build(&[Step { bench: "api", sizes: &[], label: "" }, Step { bench: "queue", sizes: &[], label: "" }]);
    let stores: Vec<_> =
        sizes.iter().map(|(size, _)| named("api", &api(size), &format!(", {size} conversations"))).collect();
    let drained: Vec<_> = INGESTERS.iter().map(|n| named("queue", &queue(n), &format!(", {n} at once"))).collect();
    let heads: Vec<_> = sizes.iter().map(|(_, said)| *said).collect();
    println!("{}", drawn("conversations", &heads, &stores).said(markdown));
    let backlog = format!("ingesters on a backlog of {files} files");
    println!("{}", drawn(&backlog, &INGESTERS, &drained).said(markdown));
    println!("x: the last beside the first. {}, {}", machine::today(), machine::described());
    stores.iter().chain(&drained).all(|figures| !figures.is_empty())
}

/// The figures of a run, by the names that all runs of the bench give them.
fn named(bench: &str, sizes: &[(&str, &str)], label: &str) -> Vec<Figure> {
    let mut figures = gather::run(&Step { bench, sizes, label });
    figures.iter_mut().for_each(|figure| figure.what.truncate(figure.what.len() - label.len()));
    figures
}

/// A column for each run, a row for each figure that all of them have.
fn drawn(what: &str, heads: &[&str], runs: &[Vec<Figure>]) -> Table {
    let numbers = heads.iter().map(|head| (*head, Side::Right));
    let heads: Vec<_> =
        [(what, Side::Left)].into_iter().chain(numbers).chain([("", Side::Left), ("x", Side::Right)]).collect();
    let mut table = Table::new(&heads);
    for figure in runs.first().into_iter().flatten() {
        let same: Option<Vec<_>> = runs.iter().map(|run| run.iter().find(|other| other.what == figure.what)).collect();
        let Some(same) = same else { continue };
        let growth = same.last().map_or(1.0, |last| last.value / figure.value);
        let mut cells = vec![figure.what.clone()];
        cells.extend(same.iter().map(|figure| number(figure.value)));
        cells.extend([figure.unit.clone(), format!("{growth:.2}")]);
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_how_a_figure_grows() {
        let run = |list, store| vec![Figure::new("list", list, "ms"), Figure::new("store", store, "MB")];
        let text = drawn("conversations", &["10", "100"], &[run(0.5, 27.0), run(0.75, 270.0)]).to_string();
        let cells: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(cells[0], "conversations 10 100 x");
        assert_eq!(cells[2..], ["list 0.500 0.750 ms 1.50", "store 27.0 270 MB 10.00"]);
    }
}
