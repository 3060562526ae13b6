//! A program under callgrind: how many instructions it ran and how often it asked for memory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::{Cmd, World, bin};

use super::baseline::{Count, Kind};
use crate::gather::folder;

/// Who gives out memory, in the C library.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// What a run cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) instructions: u64,
    pub(super) allocations: u64,
}

impl Cost {
    /// Both counts under this name.
    pub(super) fn counts(self, what: &str) -> Vec<Count> {
        let count = |unit, n| Count::new(format!("{what}: {unit}"), Kind::Instructions, n);
        vec![count("instructions", self.instructions), count("allocations", self.allocations)]
    }

    /// Of each of so many.
    pub(super) fn each(self, n: u64) -> Self {
        Self { instructions: self.instructions / n, allocations: self.allocations / n }
    }
}

/// Whether callgrind is here, and what speaks with it.
pub(super) fn can() -> bool {
    let runs = |name, arg| Command::new(name).arg(arg).stdout(Stdio::null()).stderr(Stdio::null()).status();
    [("valgrind", "--version"), ("vgdb", "--help")]
        .iter()
        .all(|(name, arg)| runs(name, arg).is_ok_and(|status| status.success()))
}

/// One of our programs without what only a debugger reads, which would take longer to load than the run.
///
/// # Panics
/// When it cannot be copied.
pub(super) fn stripped(name: &str) -> PathBuf {
    let (from, to) = (bin(name), folder().join(format!("{name}.stripped")));
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
    if written(&to).is_ok_and(|to| written(from).is_ok_and(|from| from < to)) {
        return to;
    }
    let strip = Command::new("strip").arg("--strip-debug").arg("-o").arg(&to).arg(from).status();
    assert!(strip.is_ok_and(|status| status.success()), "strip {}", from.display());
    to
}

/// A command in this world that runs `program` under callgrind.
pub(super) fn under(world: &World, program: impl AsRef<OsStr>) -> Cmd {
    let within = |option: &str, name: &str| format!("{option}={}", world.root().join(name).display());
    world
        .command("valgrind")
        .args(["--tool=callgrind", "-q"])
        .args([within("--log-file", "valgrind.log"), within("--callgrind-out-file", "callgrind")])
        .arg(program)
}

/// What the run in this world cost, or its part of this number, from 1 on, as it was dumped.
///
/// # Panics
/// When callgrind wrote nothing.
pub(super) fn cost(world: &World, part: Option<usize>) -> Cost {
    let name = part.map_or_else(|| "callgrind".to_owned(), |part| format!("callgrind.{part}"));
    let text = fs::read_to_string(world.root().join(&name)).unwrap_or_default();
    parse(&text).unwrap_or_else(|| {
        let log = fs::read_to_string(world.root().join("valgrind.log")).unwrap_or_default();
        panic!("callgrind wrote no figures to {name}: {log}")
    })
}

fn parse(text: &str) -> Option<Cost> {
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    // A name is written out where it comes first, `(12) malloc`, and is `(12)` from then on.
    let mut known: Vec<&str> = Vec::new();
    let (mut called, mut allocations) = (false, 0);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            let bare = name.split(['@', '\'']).next().unwrap_or_default();
            if ALLOCATORS.contains(&bare) && !known.contains(&id) {
                known.push(id);
            }
            called = line.starts_with('c') && known.contains(&id);
        } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| called) {
            allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
            called = false;
        }
    }
    Some(Cost { instructions: total?.trim().parse().ok()?, allocations })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_allocators_are_added_up() {
        let text = "\
fn=(1) main
16 400
cfn=(2) malloc
calls=3 0
* 300
cfn=(3) memcpy
calls=9 0
* 90
fn=(2)
20 300
cfn=(4) malloc_consolidate
calls=1 0
* 7
fn=(5) grow
cfn=(6) realloc'2
calls=2 0
* 50
cfn=(2)
calls=4 0
* 70
totals: 917
";
        assert_eq!(parse(text), Some(Cost { instructions: 917, allocations: 9 }));
        assert_eq!(parse("fn=(1) main\n"), None);
    }
}
