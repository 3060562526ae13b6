//! One reading of a queue directory: the names in it, oldest first. Nothing is opened.

use std::collections::BinaryHeap;
use std::fs;
use std::path::Path;

use queue::QueueName;

use crate::error::{At, Error};
use crate::intake::places::split_attempt;

/// Names that one scan keeps, about 9 MB of them. A larger backlog is done in several passes, each with its own scan, so
/// that its prompts become searchable on the way.
pub(crate) const LISTED: usize = 100_000;

/// A name in the queue; sorts by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    /// The queue file's name, without the attempt.
    pub(crate) name: Box<str>,
    /// Attempts so far: 0 in incoming.
    pub(crate) attempt: u32,
}

impl Listed {
    /// The name in its parts; it was checked when it was listed.
    pub(crate) fn parts(&self) -> Option<QueueName> {
        self.name.parse().ok()
    }
}

/// What lies in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Our files, the oldest first.
    pub(crate) files: Vec<Listed>,
    /// Something else under a name of ours.
    pub(crate) odd: Vec<Box<str>>,
    /// Entries with names that are not ours.
    pub(crate) foreign: u64,
    /// There are files beyond those listed.
    pub(crate) more: bool,
}

impl Scan {
    /// Takes the suspects out: files whose reader died, and not often enough to give them up. Those with the fewest deaths
    /// come first: the last file that a reader began is most likely the one that killed it.
    pub(crate) fn take_suspects(&mut self, deaths: u32) -> Self {
        let is_suspect = |listed: &Listed| (1..deaths).contains(&listed.attempt);
        let (mut suspects, rest) = std::mem::take(&mut self.files).into_iter().partition::<Vec<_>, _>(is_suspect);
        self.files = rest;
        suspects.sort_by(|a, b| (a.attempt, &a.name).cmp(&(b.attempt, &b.name)));
        Self { files: suspects, ..Self::default() }
    }
}

/// Which directory, hence which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Queue names.
    Incoming,
    /// Queue names with an attempt.
    Processing,
}

/// Reads `dir` once and keeps the oldest `limit` names. A missing directory is an empty one.
///
/// # Errors
/// The operating system's.
pub(crate) fn scan(dir: &Path, kind: Kind, limit: usize) -> Result<Scan, Error> {
    let mut scan = Scan::default();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(scan),
        Err(error) => return Err(error).at("read", dir),
    };
    let mut oldest = BinaryHeap::new();
    for entry in entries {
        let entry = entry.at("read", dir)?;
        let file_name = entry.file_name();
        let Some(listed) = file_name.to_str().and_then(|name| list(name, kind)) else {
            scan.foreign += 1;
            continue;
        };
        match entry.file_type() {
            Ok(file_type) if file_type.is_file() => oldest.push(listed),
            Ok(_) => scan.odd.push(listed.name),
            Err(_) => continue, // gone since
        }
        if oldest.len() > limit {
            oldest.pop();
            scan.more = true;
        }
    }
    scan.files = oldest.into_sorted_vec();
    Ok(scan)
}

fn list(name: &str, kind: Kind) -> Option<Listed> {
    let (name, attempt) = match kind {
        Kind::Incoming => (name, 0),
        Kind::Processing => split_attempt(name)?,
    };
    name.parse::<QueueName>().ok()?;
    Some(Listed { name: name.into(), attempt })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u64) -> String {
        format!("{n:019}-s-Stop.json")
    }

    fn check(kind: Kind, limit: usize, entries: &[String], expected: &[(u64, u32)], foreign: u64, more: bool) {
        let dir = tempfile::tempdir().unwrap();
        for entry in entries {
            fs::write(dir.path().join(entry), "").unwrap();
        }
        let found = scan(dir.path(), kind, limit).unwrap();
        let files: Vec<_> =
            expected.iter().map(|(n, attempt)| Listed { name: name(*n).into(), attempt: *attempt }).collect();
        assert_eq!(found, Scan { files, odd: Vec::new(), foreign, more }, "{entries:?}");
    }

    #[test]
    fn oldest_first_and_bounded() {
        let entries: Vec<String> = [5, 3, 9, 1, 7].map(name).into();
        check(Kind::Incoming, 10, &entries, &[(1, 0), (3, 0), (5, 0), (7, 0), (9, 0)], 0, false);
        check(Kind::Incoming, 2, &entries, &[(1, 0), (3, 0)], 0, true);
        check(Kind::Incoming, 10, &[], &[], 0, false);
    }

    #[test]
    fn suspects_are_apart_and_the_worst_come_last() {
        let listed = |n: u64, attempt: u32| Listed { name: name(n).into(), attempt };
        let all = [(1, 2), (2, 0), (3, 1), (4, 3), (5, 1)].map(|(n, attempt)| listed(n, attempt));
        let mut scan = Scan { files: all.into(), foreign: 7, ..Scan::default() };
        let suspects = scan.take_suspects(3);
        assert_eq!(suspects.files, [listed(3, 1), listed(5, 1), listed(1, 2)]);
        assert_eq!(scan.files, [listed(2, 0), listed(4, 3)]);
        assert_eq!((scan.foreign, suspects.foreign), (7, 0));
    }

    #[test]
    fn foreign_names_are_counted_and_left() {
        let entries = [".hidden", "notes.txt", "1-s-Stop.json"].map(str::to_owned);
        check(Kind::Incoming, 10, &entries, &[], 3, false);
        check(Kind::Processing, 10, &[name(1), name(2) + ".a1", name(3) + ".a0"], &[(2, 1), (3, 0)], 1, false);
    }

    #[test]
    fn other_things_under_our_names() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(name(1))).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join(name(2))).unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        let mut found = scan(dir.path(), Kind::Incoming, 10).unwrap();
        found.odd.sort();
        assert_eq!(found.odd, [name(1).into(), name(2).into()]);
        assert_eq!((found.files.len(), found.foreign), (0, 1));
        assert_eq!(scan(&dir.path().join("none"), Kind::Incoming, 10).unwrap(), Scan::default());
    }
}
