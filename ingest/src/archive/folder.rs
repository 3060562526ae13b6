//! The queue files in a day's folder, the oldest first, with some thousands of names in memory however many there are: a backlog that
//! is taken in at once is one day.

use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::queue_name;
use crate::error::{At, Error};

/// Names in memory at once. The folder is listed anew for each so many.
pub(super) const PORTION: usize = 20_000;

/// The queue files in a day's folder, the oldest first. What goes away meanwhile may be among them, what comes may not.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = Result<PathBuf, Error>> {
    portions(folder, PORTION).flat_map(|portion| {
        let (files, error) = portion.map_or_else(|error| (Vec::new(), Some(error)), |files| (files, None));
        files.into_iter().map(Ok).chain(error.map(Err))
    })
}

/// The same by portions of at most `most`; none is empty.
pub(super) fn portions(folder: &Path, most: usize) -> Portions<'_> {
    Portions { folder, most, after: Some(OsString::new()) }
}

/// What is left of a folder.
pub(super) struct Portions<'a> {
    folder: &'a Path,
    most: usize,
    /// The last name that was given; nothing at the end.
    after: Option<OsString>,
}

impl Portions<'_> {
    /// The oldest names behind `after`.
    fn next_names(&self, after: &OsString) -> Result<Vec<OsString>, Error> {
        let mut oldest = BinaryHeap::new();
        for entry in fs::read_dir(self.folder).at("list", self.folder)? {
            let entry = entry.at("list", self.folder)?;
            let name = entry.file_name();
            let is_wanted = name > *after
                && (oldest.len() < self.most || oldest.peek().is_some_and(|last| name < *last))
                && name.to_str().is_some_and(|name| queue_name(name).is_some());
            if is_wanted && entry.file_type().at("look at", &entry.path())?.is_file() {
                oldest.push(name);
                if oldest.len() > self.most {
                    oldest.pop();
                }
            }
        }
        Ok(oldest.into_sorted_vec())
    }
}

impl Iterator for Portions<'_> {
    type Item = Result<Vec<PathBuf>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let after = self.after.take()?;
        let names = match self.next_names(&after) {
            Ok(names) => names,
            Err(error) => return Some(Err(error)),
        };
        // Fewer than there could be are the last ones.
        self.after = names.last().filter(|_| names.len() == self.most).cloned();
        (!names.is_empty()).then(|| Ok(names.iter().map(|name| self.folder.join(name)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::name_of;
    use super::*;

    #[test]
    fn portions_are_all_of_it_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..7).map(|n| format!("{n:019}-s-Stop.json")).collect();
        for name in names.iter().rev().map(String::as_str).chain(["notes.txt"]) {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let check = |most: usize, sizes: &[usize]| {
            let found: Vec<_> = portions(folder.path(), most).map(Result::unwrap).collect();
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{most}");
            assert_eq!(found.concat().iter().map(|path| name_of(path)).collect::<Vec<_>>(), names, "{most}");
        };
        check(1, &[1; 7]);
        check(3, &[3, 3, 1]);
        check(7, &[7]);
        check(8, &[7]);
        assert_eq!(files(folder.path()).map(|file| name_of(&file.unwrap())).collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_folder_that_is_gone_is_one_error() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let found: Vec<_> = files(&gone).map(|file| file.unwrap_err().to_string()).collect();
        assert!(matches!(&found[..], [one] if one.starts_with(&format!("list {}", gone.display()))), "{found:?}");
    }
}
