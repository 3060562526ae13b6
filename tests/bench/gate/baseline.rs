//! The counts that are committed, and how others compare with them.

use std::fs;
use std::path::PathBuf;

use harness::repository;

use crate::table::{Side, Table};

/// What a count is of, and so how much it may sway and what must be the same for it to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the hook, in which nothing depends on time.
    Hook,
    /// Of another program, where nothing does.
    Exact,
    /// Of calls or bytes of a program that waits and looks: threads meet at other moments.
    Calls,
    /// By callgrind: hash tables begin with other random numbers.
    Instructions,
}

/// One count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) what: String,
    pub(super) kind: Kind,
    pub(super) n: u64,
}

/// All counts, and where they were made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Baseline {
    pub(super) environment: Vec<(String, String)>,
    pub(super) counts: Vec<Count>,
}

/// What a comparison says.
pub(super) struct Told {
    pub(super) table: Table,
    pub(super) notes: Vec<String>,
    pub(super) failures: Vec<String>,
}

const HEAD: &str = "\
# What programs cost in counts that do not drift: `ops/bench gate` compares them with these, `ops/bench gate --renew` writes
# them anew. Where a line of the environment is another, instructions are not compared.
";

impl Kind {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Hook, "hook"), (Self::Exact, "exact"), (Self::Calls, "calls"), (Self::Instructions, "instructions")];

    /// The share by which it may be more.
    fn sway(self) -> f64 {
        match self {
            Self::Hook | Self::Exact => 0.0,
            Self::Calls => 0.02,
            Self::Instructions => 0.03,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| *name)
    }

    /// Whether a count of this kind means nothing where this part of the environment is another.
    fn depends_on(self, part: &str) -> bool {
        match self {
            Self::Hook => part == "hook",
            Self::Exact | Self::Calls => part == "programs",
            Self::Instructions => true,
        }
    }
}

impl Count {
    pub(super) fn new(what: impl Into<String>, kind: Kind, n: u64) -> Self {
        Self { what: what.into(), kind, n }
    }
}

fn path() -> PathBuf {
    repository().join("tests/benches/baseline.txt")
}

impl Baseline {
    /// The committed one; an empty one if there is none.
    pub(super) fn read() -> Self {
        Self::parse(&fs::read_to_string(path()).unwrap_or_default())
    }

    /// Writes it. What cannot be counted here keeps the number that it had.
    ///
    /// # Panics
    /// When it cannot be written.
    pub(super) fn write(&self, old: &Self) {
        let mut counts = self.counts.clone();
        counts.extend(old.counts.iter().filter(|count| self.of(&count.what).is_none()).cloned());
        let text = Self { environment: self.environment.clone(), counts }.to_string();
        fs::write(path(), text).unwrap_or_else(|error| panic!("write {}: {error}", path().display()));
    }

    fn of(&self, what: &str) -> Option<&Count> {
        self.counts.iter().find(|count| count.what == what)
    }

    fn parse(text: &str) -> Self {
        let mut baseline = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.split_once(" = ") else { continue };
            let mut words = value.split(' ');
            let n = words.next().and_then(|n| n.replace(',', "").parse().ok());
            let kind = words.next().and_then(|word| Kind::ALL.iter().find(|(_, name)| *name == word));
            match (n, kind) {
                (Some(n), Some((kind, _))) => baseline.counts.push(Count::new(name, *kind, n)),
                _ => baseline.environment.push((name.to_owned(), value.to_owned())),
            }
        }
        baseline
    }

    /// Holds what was counted against this.
    pub(super) fn compare(&self, environment: &[(String, String)], counts: &[Count]) -> Told {
        use Side::{Left, Right};
        let mut table = Table::new(&[("", Left), ("now", Right), ("baseline", Right), ("x", Right), ("", Left)]);
        let (mut notes, mut failures) = (Vec::new(), Vec::new());
        let other: Vec<_> = environment.iter().filter(|part| !self.environment.contains(part)).collect();
        for (part, here) in &other {
            let was = self.environment.iter().find(|(name, _)| name == part).map_or("nothing", |(_, value)| value);
            notes.push(format!("{part} is {here}, and was {was}: what depends on it is not compared"));
        }
        let told = counts.iter().map(|count| count.what.as_str());
        let missing = self.counts.iter().filter(|known| !told.clone().any(|what| what == known.what));
        for known in missing {
            // Only what needs a tool that may be missing may be missing.
            match known.kind {
                Kind::Instructions if other.iter().any(|(part, _)| part == "valgrind") => {}
                _ => failures.push(format!("{}: not counted, {} in the baseline", known.what, grouped(known.n))),
            }
        }
        for count in counts {
            let known = self.of(&count.what);
            let compared = !other.iter().any(|(part, _)| count.kind.depends_on(part));
            let said = known.map_or("new, renew the baseline", |known| {
                let (now, was) = (count.n as f64, known.n as f64);
                match () {
                    () if !compared => "not compared",
                    () if now > was * (1.0 + count.kind.sway()) => "MORE",
                    () if now * 2.0 < was => "LESS THAN HALF",
                    () if now < was * (1.0 - count.kind.sway()) => "less, renew the baseline",
                    () => "",
                }
            });
            let was = known.map_or_else(|| "nothing".to_owned(), |known| grouped(known.n));
            if said.starts_with(|sign: char| sign.is_uppercase()) {
                failures.push(format!("{}: {}, and {was} in the baseline: {said}", count.what, grouped(count.n)));
            }
            if known.is_none() {
                failures.push(format!("{}: {}, and nothing in the baseline", count.what, grouped(count.n)));
            }
            let times = known.map_or_else(String::new, |known| format!("{:.3}", count.n as f64 / known.n as f64));
            table.row(vec![count.what.clone(), grouped(count.n), was, times, said.to_owned()]);
        }
        Told { table, notes, failures }
    }
}

impl std::fmt::Display for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HEAD)?;
        self.environment.iter().try_for_each(|(name, value)| writeln!(f, "{name} = {value}"))?;
        self.counts
            .iter()
            .try_for_each(|count| writeln!(f, "{} = {} {}", count.what, grouped(count.n), count.kind.name()))
    }
}

/// 1234567 as 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| String::from_utf8_lossy(part)).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        let part = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Baseline {
            environment: vec![part("rustc", "1.95"), part("valgrind", "3.19"), part("hook", "gnu")],
            counts: vec![
                Count::new("hook: system calls", Kind::Hook, 21),
                Count::new("pass: system calls", Kind::Calls, 4_000),
                Count::new("pass: instructions", Kind::Instructions, 1_234_567),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Baseline::parse(&baseline().to_string()), baseline());
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(21), "21");
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
        let told = known.compare(&here, &counted);
        assert_eq!(told.failures, failures);
        assert_eq!(told.notes.len(), other.len());
    }

    #[test]
    fn more_fails_and_less_does_not() {
        check([Some(21), Some(4_050), Some(1_250_000)], &[], &[]);
        check([Some(20), Some(3_000), Some(700_000)], &[], &[]);
        check(
            [Some(22), Some(4_100), Some(1_300_000)],
            &[],
            &[
                "hook: system calls: 22, and 21 in the baseline: MORE",
                "pass: system calls: 4,100, and 4,000 in the baseline: MORE",
                "pass: instructions: 1,300,000, and 1,234,567 in the baseline: MORE",
            ],
        );
    }

    #[test]
    fn what_is_no_longer_counted_fails() {
        check(
            [Some(21), Some(0), Some(1_234_567)],
            &[],
            &["pass: system calls: 0, and 4,000 in the baseline: LESS THAN HALF"],
        );
        check(
            [Some(21), None, None],
            &[("valgrind", "none")],
            &["pass: system calls: not counted, 4,000 in the baseline"],
        );
    }

    #[test]
    fn another_toolchain_is_no_failure() {
        check([Some(21), Some(4_000), Some(9_999_999)], &[("rustc", "1.96")], &[]);
        check([Some(40), Some(4_000), Some(9_999_999)], &[("hook", "musl")], &[]);
    }
}
