//! Readers of what comes from outside, each held to what must be true of its answer whatever it is given: an oracle that shares no
//! code with it, a way there and back, bounds. Two drive them: libFuzzer (tests/fuzz), and the mutations of `mutate` in a process
//! that needs no other build.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod cursor;
mod line;
pub mod mutate;
mod name;
mod payload;
mod search;
mod settings;
pub mod strict;

use std::fs;
use std::path::PathBuf;

use crate::repository;

/// A reader and what must be true of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, in tests/fuzz and here.
    pub name: &'static str,
    /// Gives it bytes; panics where something is not true.
    pub run: fn(&[u8]),
    /// Of a hundred inputs, so many are for it.
    pub share: u64,
    /// Words that it knows, for whoever makes inputs.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "payload", run: payload::check, share: 30, words: payload::WORDS },
    Target { name: "line", run: line::check, share: 25, words: line::WORDS },
    Target { name: "name", run: name::check, share: 10, words: name::WORDS },
    Target { name: "search", run: search::check, share: 10, words: search::WORDS },
    Target { name: "settings", run: settings::check, share: 15, words: settings::WORDS },
    Target { name: "cursor", run: cursor::check, share: 10, words: cursor::WORDS },
];

/// Gives bytes to the reader of this name.
///
/// # Panics
/// When something is not true, or there is no such reader.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no reader {name}"));
    (target.run)(bytes);
}

impl Target {
    /// Where its committed inputs lie.
    pub fn corpus_dir(&self) -> PathBuf {
        repository().join("tests/fuzz/corpus").join(self.name)
    }

    /// The committed inputs, in the order of their names.
    ///
    /// # Panics
    /// When there are none.
    pub fn corpus(&self) -> Vec<Vec<u8>> {
        let dir = self.corpus_dir();
        let names = crate::law::names(&dir);
        assert!(!names.is_empty(), "nothing in {}", dir.display());
        names.iter().map(|name| fs::read(dir.join(name)).unwrap()).collect()
    }
}

/// A number that depends on every byte of an input, for choices that must be the same each time.
fn chosen(bytes: &[u8], end: usize) -> usize {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    crate::Seed::new(u64::from_le_bytes(first)).below(end.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_ours_and_small() {
        let mut bytes = 0;
        for target in TARGETS {
            for input in target.corpus() {
                bytes += input.len();
                (target.run)(&input);
            }
        }
        assert!(bytes < 64 * 1024, "{bytes} bytes");
        assert_eq!(TARGETS.iter().map(|target| target.share).sum::<u64>(), 100);
    }
}
