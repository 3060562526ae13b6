//! The figures that are to be proud of: what each is called, and how good it should be.

use harness::Figure;

use crate::table::number;

/// How good a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// Not more of its unit.
    AtMost(f64),
    /// Not less of its unit.
    AtLeast(f64),
    /// Not more than so many times its floor.
    Times(f64),
}
use Limit::{AtLeast, AtMost, Times};

/// Goals by the names that the benches give their figures, in the order of the table.
const GOALS: &[(&str, &[Limit])] = &[
    ("hook, 4 KiB, p50", &[Times(1.2), AtMost(1000.0)]),
    ("hook, 4 KiB, p99", &[Times(1.5)]),
    ("hook, 1 MiB, p50", &[Times(2.0)]),
    ("hook, 64 MiB, p50", &[Times(2.0)]),
    ("hook, 64 MiB, resident", &[AtMost(8.0)]),
    ("queue to archive", &[AtLeast(10_000.0)]),
    ("queue, memory", &[AtMost(64.0)]),
    ("import", &[AtLeast(60.0), Times(2.0)]),
    ("import, memory", &[AtMost(100.0)]),
    ("files unchanged", &[AtMost(200.0)]),
    ("capture to searchable, median", &[AtMost(600.0)]),
    ("idle run, of a core", &[AtMost(0.2)]),
    ("idle run, resident", &[AtMost(30.0)]),
    ("list of 50, p50, 80,000 messages", &[AtMost(1.0)]),
    ("rare word, p50, 80,000 messages", &[AtMost(2.0)]),
    ("common word, p50, 80,000 messages", &[AtMost(20.0)]),
    ("list of 50, p99, 1,000,000 conversations", &[AtMost(10.0)]),
    ("rare word, p99, 1,000,000 conversations", &[AtMost(10.0)]),
    ("common word, p99, 1,000,000 conversations", &[AtMost(50.0)]),
    ("page: timeline, p50", &[AtMost(30.0)]),
    ("page: insights, p50", &[AtMost(200.0)]),
    ("page: insights, all of it, p50", &[AtMost(200.0)]),
    ("database", &[Times(0.4)]),
];

/// What is wanted of the figure of this name; nothing, if there is no goal.
pub(crate) fn of(what: &str) -> &'static [Limit] {
    GOALS.iter().find(|(name, _)| is(name, what)).map_or(&[], |(_, limits)| limits)
}

/// The names of goals of which there is no figure.
pub(crate) fn without_a_figure(figures: &[Figure]) -> impl Iterator<Item = &'static str> {
    GOALS.iter().map(|(name, _)| *name).filter(|name| !figures.iter().any(|figure| is(name, &figure.what)))
}

/// Whether a figure of this name is the one of the goal: sizes that are counted stand in front.
fn is(goal: &str, what: &str) -> bool {
    goal == what || goal == what.trim_start_matches(|sign: char| sign.is_ascii_digit()).trim_start()
}

impl Limit {
    /// As people say it, of a figure of this unit.
    pub(crate) fn said(self, unit: &str) -> String {
        match self {
            AtMost(value) => format!("<= {} {unit}", bare(value)),
            AtLeast(value) => format!(">= {} {unit}", bare(value)),
            Times(times) => format!("<= {times} x"),
        }
    }

    /// By how much it is missed; nothing if it is met.
    pub(crate) fn missed(self, figure: &Figure) -> Option<String> {
        let (value, limit, less) = match self {
            AtMost(limit) => (figure.value, limit, "over"),
            AtLeast(limit) => (limit, figure.value, "under"),
            Times(limit) => match figure.times() {
                Some(times) => (times, limit, "over"),
                None => return Some("NO, nothing to hold it against".to_owned()),
            },
        };
        (value > limit).then(|| format!("NO, {:.0} % {less}", 100.0 * (value / limit - 1.0)))
    }
}

/// A round number without digits that say nothing.
fn bare(value: f64) -> String {
    let text = number(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_or_missed_by_so_much() {
        let check = |what: &str, value, unit, floor, expected: &[Option<&str>]| {
            let figure = Figure::new(what, value, unit).beside("the least", floor);
            let missed: Vec<_> = of(what).iter().map(|limit| limit.missed(&figure)).collect();
            assert_eq!(missed, expected.iter().map(|it| it.map(str::to_owned)).collect::<Vec<_>>(), "{what}");
        };
        check("hook, 4 KiB, p50", 900.0, "us", 600.0, &[Some("NO, 25 % over"), None]);
        check("import", 50.0, "MB/s", 90.0, &[Some("NO, 20 % under"), None]);
        check("1093 files unchanged", 43.0, "ms", 1.0, &[None]);
        check("database", 40.0, "MB", 100.0, &[None]);
        let alone = Figure::new("database", 40.0, "MB");
        assert_eq!(of("database")[0].missed(&alone).as_deref(), Some("NO, nothing to hold it against"));
        assert!(without_a_figure(std::slice::from_ref(&alone)).all(|name| name != "database"));
        assert_eq!(without_a_figure(&[alone]).count(), GOALS.len() - 1);
        check("something else", 1.0, "ms", 1.0, &[]);
    }

    #[test]
    fn goals_are_said_in_the_unit_of_the_figure() {
        let said = |what, unit| of(what).iter().map(|limit| limit.said(unit)).collect::<Vec<_>>().join(", ");
        assert_eq!(said("hook, 4 KiB, p50", "us"), "<= 1.2 x, <= 1,000 us");
        assert_eq!(said("queue to archive", "files/s"), ">= 10,000 files/s");
        assert_eq!(said("idle run, of a core", "%"), "<= 0.2 %");
    }
}
