//! The counts that are committed, and how much each may sway.

use std::fs;
use std::path::PathBuf;

use harness::repository;

/// What a count is of, and so how much it may sway and what must be the same for it to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the hook's calls, in which nothing depends on time.
    Hook,
    /// Where nothing depends on time, on threads or on a library.
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

const HEAD: &str = "\
# What programs cost in counts that do not drift: `ops/bench gate` compares them with these, `ops/bench gate --renew` writes
# them anew. `hook` and `exact` may not be more at all, `calls` by 2 %, `instructions`, which allocations belong to, by 3 %.
# Where rustc or libc is another, `hook` may be 10 % more; where any line is another, `instructions` are not compared. The
# programs are those that tests run: not optimized, as `dev` says; those of a release build would have other instructions.
";

impl Kind {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Hook, "hook"), (Self::Exact, "exact"), (Self::Calls, "calls"), (Self::Instructions, "instructions")];

    /// The share by which it may be more, where the C library and the compiler are the baseline's or, not `same`, elsewhere.
    pub(super) fn sway(self, same: bool) -> f64 {
        match self {
            // Of its few calls half are made before its own code begins.
            Self::Hook if !same => 0.1,
            Self::Hook | Self::Exact => 0.0,
            Self::Calls => 0.02,
            Self::Instructions => 0.03,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| *name)
    }

    /// Whether a count of this kind means nothing where this part of the environment is another.
    pub(super) fn depends_on(self, part: &str) -> bool {
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

    /// Writes it. Without valgrind the counts that need it stay what they were.
    ///
    /// # Panics
    /// When it cannot be written.
    pub(super) fn write(&self, old: &Self) {
        let mut counts = self.counts.clone();
        if !counts.iter().any(|count| count.kind == Kind::Instructions) {
            counts.extend(old.counts.iter().filter(|count| count.kind == Kind::Instructions).cloned());
        }
        let text = Self { environment: self.environment.clone(), counts }.to_string();
        fs::write(path(), text).unwrap_or_else(|error| panic!("write {}: {error}", path().display()));
    }

    /// The count of this name.
    pub(super) fn of(&self, what: &str) -> Option<&Count> {
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
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| String::from_utf8_lossy(part)).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let baseline = Baseline {
            environment: vec![("rustc".to_owned(), "rustc 1.95 (a = b)".to_owned())],
            counts: vec![
                Count::new("hook, 4 KiB: system calls", Kind::Hook, 21),
                Count::new("pass: instructions", Kind::Instructions, 1_234_567),
            ],
        };
        assert_eq!(Baseline::parse(&baseline.to_string()), baseline);
    }

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(21), "21");
    }
}
