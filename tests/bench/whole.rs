//! The one table: every figure that there is a goal for and some that explain them, beside its floor and its goal.

use harness::Figure;

use crate::gather::{self, Step};
use crate::table::{Side, Table, number};
use crate::{goals, machine};

/// Names of what a run measures of a size.
const SMALL: &str = ", 80,000 messages";
const LARGE: &str = ", 1,000,000 conversations";

const WHOLE: &[Step<'_>] = &[
    Step { bench: "hook", sizes: &[], label: "" },
    Step { bench: "queue", sizes: &[], label: "" },
    Step { bench: "import", sizes: &[], label: "" },
    Step { bench: "daemon", sizes: &[], label: "" },
    Step { bench: "api", sizes: &[("PROMPT_MANAGER_BENCH_SIZE", "80k")], label: SMALL },
    Step {
        bench: "api",
        sizes: &[("PROMPT_MANAGER_BENCH_SIZE", "1m"), ("PROMPT_MANAGER_BENCH_ROUNDS", "100")],
        label: LARGE,
    },
    Step {
        bench: "pages",
        sizes: &[("PROMPT_MANAGER_BENCH_SIZE", "1m"), ("PROMPT_MANAGER_BENCH_ROUNDS", "30")],
        label: "",
    },
];

const QUICK: &[Step<'_>] = &[
    Step { bench: "hook", sizes: &[("PROMPT_MANAGER_BENCH_ROUNDS", "400")], label: "" },
    Step { bench: "queue", sizes: &[("PROMPT_MANAGER_BENCH_FILES", "20000")], label: "" },
    Step {
        bench: "import",
        sizes: &[("PROMPT_MANAGER_BENCH_SESSIONS", "200"), ("PROMPT_MANAGER_BENCH_RUNS", "1")],
        label: "",
    },
    Step {
        bench: "daemon",
        sizes: &[("PROMPT_MANAGER_BENCH_SECONDS", "10"), ("PROMPT_MANAGER_BENCH_PROMPTS", "20")],
        label: "",
    },
    Step {
        bench: "api",
        sizes: &[("PROMPT_MANAGER_BENCH_SIZE", "80k"), ("PROMPT_MANAGER_BENCH_ROUNDS", "50")],
        label: SMALL,
    },
];

/// Measures everything and prints the table; whether everything could be measured. A goal that is missed is no failure: the
/// table says it.
pub(crate) fn table(quick: bool, markdown: bool) -> bool {
    let steps = if quick { QUICK } else { WHOLE };
    gather::build(steps);
    let figures: Vec<Vec<Figure>> = steps.iter().map(gather::run).collect();
    println!("{}", drawn(&figures.concat()).said(markdown));
    let small = if quick { "; small sizes, the goals are for the whole" } else { "" };
    println!("x: so many times the cost of the floor. {}, {}{small}", machine::today(), machine::described());
    if !quick {
        goals::without_a_figure(&figures.concat())
            .for_each(|goal| println!("not measured, and there is a goal: {goal}"));
    }
    println!("What each bench printed is in {}.", gather::folder().display());
    figures.iter().all(|figures| !figures.is_empty())
}

fn drawn(figures: &[Figure]) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("", Left),
        ("ours", Right),
        ("floor", Right),
        ("", Left),
        ("x", Right),
        ("goal", Left),
        ("met", Left),
        ("the floor is", Left),
    ]);
    for figure in figures {
        let limits = goals::of(&figure.what);
        let missed: Vec<_> = limits.iter().filter_map(|limit| limit.missed(figure)).collect();
        let met = match (limits, &missed[..]) {
            ([], _) => String::new(),
            (_, []) => "yes".to_owned(),
            (_, missed) => missed.join(", "),
        };
        let floor = figure.floor.as_ref();
        table.row(vec![
            figure.what.clone(),
            number(figure.value),
            floor.map_or_else(String::new, |floor| number(floor.value)),
            figure.unit.clone(),
            figure.times().map_or_else(String::new, |times| format!("{times:.2}")),
            limits.iter().map(|limit| limit.said(&figure.unit)).collect::<Vec<_>>().join(", "),
            met,
            floor.map_or_else(String::new, |floor| floor.what.clone()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_the_figure_its_floor_and_its_goal() {
        let figures = [
            Figure::new("hook, 4 KiB, p50", 521.0, "us").beside("the least", 461.0),
            Figure::new("queue to archive", 9_000.0, "files/s").beside("SQLite", 36_000.0),
            Figure::new("store, 80,000 messages", 90.0, "MB"),
        ];
        let text = drawn(&figures).to_string();
        let cells: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(cells[2], "hook, 4 KiB, p50 521 461 us 1.13 <= 1.2 x, <= 1,000 us yes the least");
        assert_eq!(cells[3], "queue to archive 9,000 36,000 files/s 4.00 >= 10,000 files/s NO, 11 % under SQLite");
        assert_eq!(cells[4], "store, 80,000 messages 90.0 MB");
    }
}
