//! The conservation law: every file that a hook was told is safe is in the store exactly once, or in failed with a reason,
//! and nowhere else. Checked after every fault that the other modules think of.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use queue::DataDir;
use store::read::Reader;
use store::read::inspect::Inspector;

/// Files that were handed to the queue: name and bytes.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Payloads that belong into the store.
    pub good: BTreeSet<(String, Vec<u8>)>,
    /// Those that belong into failed.
    pub bad: BTreeSet<(String, Vec<u8>)>,
}

impl Given {
    /// Holds the data directory to it.
    pub fn check(&self, dir: &DataDir, after: &str) {
        for left in [dir.tmp(), dir.incoming(), dir.processing()] {
            assert_eq!(names(&left), Vec::<String>::new(), "{after}: left in {}", left.display());
        }
        assert_eq!(Inspector::open(dir).unwrap().misfiled().unwrap(), 0, "{after}: what lists are made from");
        let mut reader = Reader::open(dir).unwrap();
        assert_eq!(reader.damage().unwrap(), Vec::<String>::new(), "{after}");
        let kept = reader.kept_events().unwrap();
        assert!(kept.iter().all(|kept| kept.sound), "{after}: {kept:?}");
        let hashed = |(name, bytes): &(String, Vec<u8>)| (name.clone(), blake3::hash(bytes).as_bytes().to_vec());
        same(kept.into_iter().map(|kept| (kept.name, kept.hash)), self.good.iter().map(hashed), after, "stored");

        let mut archived = Vec::new();
        for day in names(&dir.archive()) {
            archived.extend(contents(&dir.archive().join(day)));
        }
        same(archived, self.good.iter().cloned(), after, "archived");

        let failed = contents(&dir.failed());
        let (notes, failed): (Vec<_>, Vec<_>) =
            failed.into_iter().partition(|(name, _)| name.ends_with(".reason.json"));
        same(failed, self.bad.iter().cloned(), after, "failed");
        assert_eq!(notes.len(), self.bad.len(), "{after}: reasons");
        for (name, note) in notes {
            let note: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&note).unwrap();
            let keys: Vec<_> = note.keys().map(String::as_str).collect();
            assert_eq!(keys, ["attempts", "class", "detail", "failed_at", "name", "size"], "{after}: {name}");
        }
    }
}

/// The two sets are equal, and nothing is there twice.
fn same(
    found: impl IntoIterator<Item = (String, Vec<u8>)>,
    expected: impl IntoIterator<Item = (String, Vec<u8>)>,
    after: &str,
    what: &str,
) {
    let (found, expected) = (sorted(found), sorted(expected));
    let only = |these: &[(String, Vec<u8>)], those: &[(String, Vec<u8>)]| -> Vec<(String, String)> {
        let only = these.iter().filter(|item| those.binary_search(item).is_err());
        only.map(|(name, bytes)| (name.clone(), String::from_utf8_lossy(bytes).into_owned())).collect()
    };
    let (missing, extra) = (only(&expected, &found), only(&found, &expected));
    assert!(
        missing.is_empty() && extra.is_empty() && found.len() == expected.len(),
        "{after}: {what}: {} instead of {}\nmissing: {missing:?}\nextra: {extra:?}",
        found.len(),
        expected.len()
    );
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// The names in `dir`, sorted; none when there is no such folder.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        entries => entries.unwrap(),
    };
    sorted(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()))
}

/// The files in `dir` with their queue names: a name that was taken has a number behind it.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let name = |file: &str| match file.rsplit_once('.') {
        Some((name, n)) if n.parse::<u64>().is_ok() => name.to_owned(),
        _ => file.to_owned(),
    };
    names(dir).into_iter().map(|file| (name(&file), fs::read(dir.join(&file)).unwrap())).collect()
}
