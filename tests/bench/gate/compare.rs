//! Holds what was counted against what is committed, and says what to do when it is more.

use super::baseline::{Baseline, Count, Kind, grouped};
use crate::table::{Side, Table};

/// What a comparison says.
pub(super) struct Told {
    pub(super) table: Table,
    pub(super) notes: Vec<String>,
    pub(super) failures: Vec<String>,
}

/// The end of all failures.
const RENEW: &str =
    "if that is as it must be, say why in the commit, with the baseline that `ops/bench gate --renew` writes";

/// What is not held where this part of the environment is another.
fn left_out(part: &str, here: &str) -> &'static str {
    match part {
        "hook" => "the hook's calls and all instructions and allocations are not compared",
        "programs" => "of other programs than the hook nothing is compared",
        "valgrind" if here == "none" => "instructions and allocations are not counted",
        "rustc" | "libc" => {
            "instructions and allocations are not compared, and the hook may make a tenth more system calls"
        }
        _ => "instructions and allocations are not compared",
    }
}

/// Compares counts that were made in this environment.
pub(super) fn compare(baseline: &Baseline, environment: &[(String, String)], counts: &[Count]) -> Told {
    use Side::{Left, Right};
    let mut table = Table::new(&[("", Left), ("now", Right), ("baseline", Right), ("x", Right), ("", Left)]);
    let (mut notes, mut failures) = (Vec::new(), Vec::new());
    let other: Vec<_> = environment.iter().filter(|part| !baseline.environment.contains(part)).collect();
    for (part, here) in &other {
        let was = baseline.environment.iter().find(|(name, _)| name == part).map_or("nothing", |(_, value)| value);
        notes.push(format!("{part} is {here}, and was {was}: {}", left_out(part, here)));
    }
    let differs = |part: &str| other.iter().any(|(name, _)| name == part);
    for known in baseline.counts.iter().filter(|known| !counts.iter().any(|count| count.what == known.what)) {
        // Only what needs a tool that may be missing may be missing.
        if !(known.kind == Kind::Instructions && differs("valgrind")) {
            failures.push(format!("{}: not counted, {} in the baseline", known.what, grouped(known.n)));
        }
    }
    for Count { what, kind, n } in counts {
        let Some(known) = baseline.of(what) else {
            failures.push(format!("{what}: {}, and nothing in the baseline", grouped(*n)));
            table.row(vec![what.clone(), grouped(*n), String::new(), String::new(), "NEW".to_owned()]);
            continue;
        };
        let compared = !other.iter().any(|(part, _)| kind.depends_on(part));
        let sway = kind.sway(!differs("libc") && !differs("rustc"));
        let (now, was) = (*n as f64, known.n as f64);
        let said = match () {
            () if !compared => "not compared",
            () if now > was * (1.0 + sway) => "MORE",
            // Then something else is counted.
            () if now * 2.0 < was => "LESS THAN HALF",
            () if now < was * (1.0 - sway) => "less: renew the baseline, so that it stays",
            () => "",
        };
        let numbers = format!("{what}: {}, and {} in the baseline", grouped(*n), grouped(known.n));
        match said {
            "MORE" => {
                let more = 100.0 * (now / was - 1.0);
                failures.push(format!("{numbers}: {more:.1} % more, and {:.0} % may be", 100.0 * sway));
            }
            "LESS THAN HALF" => failures.push(format!("{numbers}: less than half, so something else is counted")),
            _ => {}
        }
        let times = format!("{:.3}", now / was);
        table.row(vec![what.clone(), grouped(*n), grouped(known.n), times, said.to_owned()]);
    }
    if !failures.is_empty() {
        failures.push(RENEW.to_owned());
    }
    Told { table, notes, failures }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        let part = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Baseline {
            environment: vec![
                part("rustc", "1.95"),
                part("libc", "2.36"),
                part("valgrind", "3.19"),
                part("hook", "gnu"),
            ],
            counts: vec![
                Count::new("hook: system calls", Kind::Hook, 21),
                Count::new("pass: system calls", Kind::Calls, 4_000),
                Count::new("pass: instructions", Kind::Instructions, 1_234_567),
            ],
        }
    }

    /// Counts of the hook's calls, of a pass's, and of its instructions, in an environment that may be another.
    fn check(counts: [Option<u64>; 3], other: &[(&str, &str)], failures: &[&str]) {
        let known = baseline();
        let counted = known.counts.iter().zip(counts);
        let counted: Vec<_> = counted.filter_map(|(count, n)| Some(Count { n: n?, ..count.clone() })).collect();
        let mut here = known.environment.clone();
        for (name, value) in other {
            here.iter_mut().filter(|(part, _)| part == name).for_each(|(_, is)| *is = (*value).to_owned());
        }
        let told = compare(&known, &here, &counted);
        let end = (!failures.is_empty()).then_some(RENEW);
        assert_eq!(told.failures, failures.iter().copied().chain(end).collect::<Vec<_>>());
        assert_eq!(told.notes.len(), other.len());
    }

    #[test]
    fn more_fails_and_less_does_not() {
        check([Some(21), Some(4_080), Some(1_250_000)], &[], &[]);
        check([Some(20), Some(3_000), Some(700_000)], &[], &[]);
        check(
            [Some(22), Some(4_100), Some(1_300_000)],
            &[],
            &[
                "hook: system calls: 22, and 21 in the baseline: 4.8 % more, and 0 % may be",
                "pass: system calls: 4,100, and 4,000 in the baseline: 2.5 % more, and 2 % may be",
                "pass: instructions: 1,300,000, and 1,234,567 in the baseline: 5.3 % more, and 3 % may be",
            ],
        );
    }

    /// Each count that is committed, in the environment that it was made in.
    #[test]
    fn five_percent_more_of_any_count_fails() {
        let known = Baseline::read();
        assert!(known.counts.len() >= 20, "{} counts are committed", known.counts.len());
        for (at, count) in known.counts.iter().enumerate() {
            let mut counts = known.counts.clone();
            counts[at].n = (count.n * 105).div_ceil(100);
            let failures = compare(&known, &known.environment, &counts).failures;
            let begin = format!("{}: {}, and {} in the", count.what, grouped(counts[at].n), grouped(count.n));
            assert!(failures[0].starts_with(&begin), "{failures:?}");
            assert_eq!(failures[1..], [RENEW]);
        }
    }

    #[test]
    fn what_is_no_longer_counted_fails() {
        check(
            [Some(21), Some(0), Some(1_234_567)],
            &[],
            &["pass: system calls: 0, and 4,000 in the baseline: less than half, so something else is counted"],
        );
        check(
            [Some(21), None, None],
            &[("valgrind", "none")],
            &["pass: system calls: not counted, 4,000 in the baseline"],
        );
    }

    #[test]
    fn another_toolchain_is_no_failure() {
        check([Some(23), Some(4_000), Some(9_999_999)], &[("rustc", "1.96")], &[]);
        check([Some(23), Some(4_000), Some(9_999_999)], &[("libc", "2.41")], &[]);
        check([Some(40), Some(4_000), Some(9_999_999)], &[("hook", "musl")], &[]);
        check(
            [Some(24), Some(4_100), Some(9_999_999)],
            &[("libc", "2.41")],
            &[
                "hook: system calls: 24, and 21 in the baseline: 14.3 % more, and 10 % may be",
                "pass: system calls: 4,100, and 4,000 in the baseline: 2.5 % more, and 2 % may be",
            ],
        );
    }
}
