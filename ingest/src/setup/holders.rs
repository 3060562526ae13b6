//! Whose hooks call the user's copy of the hook: a user may have several data directories, and taking one of them out must not
//! take away what the settings of another still name.
//!
//! `holders` beside the copy has a data directory on each line. It is a hint where to look: what counts is their records.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use queue::DataDir;

use super::record::Record;
use crate::disk::replace_durably;
use crate::error::{At, Error};

/// Notes that hooks of this data directory are about to call the copy.
///
/// # Errors
/// The operating system's.
pub(super) fn add(copy: &Path, home: &DataDir) -> Result<(), Error> {
    let mut all = read(copy)?;
    if !all.iter().any(|path| path == home.root()) {
        all.push(home.root().to_owned());
        write(copy, &all)?;
    }
    Ok(())
}

/// Whether this is a copy for hooks of this data directory.
pub(super) fn has(copy: &Path, home: &DataDir) -> bool {
    read(copy).is_ok_and(|all| all.iter().any(|path| path == home.root()))
}

/// Strikes a data directory out, and gives the others that still call the copy. Without any the note is gone.
///
/// # Errors
/// The operating system's.
pub(super) fn leave(copy: &Path, home: &DataDir) -> Result<Vec<PathBuf>, Error> {
    // A record that cannot be read may tell of hooks.
    let calls = |path: &PathBuf| Record::read(&DataDir::new(path)).map_or(true, |record| !record.hooks.is_empty());
    let mut others = read(copy)?;
    others.retain(|path| path != home.root() && calls(path));
    if others.is_empty() {
        let note = note(copy);
        match fs::remove_file(&note) {
            Err(error) if !is_missing(&error) => return Err(error).at("remove", &note),
            _ => {}
        }
        let _ = fs::remove_file(note.with_file_name("holders.partial"));
    } else {
        write(copy, &others)?;
    }
    Ok(others)
}

fn note(copy: &Path) -> PathBuf {
    copy.with_file_name("holders")
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read(copy: &Path) -> Result<Vec<PathBuf>, Error> {
    let note = note(copy);
    match fs::read_to_string(&note) {
        Ok(text) => Ok(text.lines().map(PathBuf::from).collect()),
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        Err(error) => Err(error).at("read", &note),
    }
}

fn write(copy: &Path, all: &[PathBuf]) -> Result<(), Error> {
    // Settings could not name a path that is not UTF-8 or has a line end: none is here.
    let text: String = all.iter().map(|path| format!("{}\n", path.display())).collect();
    replace_durably(&note(copy), text.as_bytes(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::record::Hooks;

    #[test]
    fn the_last_one_takes_the_note_along() {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("prompt-hook");
        let home = |name: &str, has_hooks: bool| {
            let home = DataDir::new(dir.path().join(name));
            fs::create_dir_all(home.root()).unwrap();
            Record::change(&home, |record| record.hooks.extend(has_hooks.then(Hooks::default))).unwrap();
            home
        };
        let (one, two, idle) = (home("one", true), home("two", true), home("idle", false));
        for home in [&one, &two, &idle, &one] {
            add(&copy, home).unwrap();
        }
        assert_eq!(leave(&copy, &one).unwrap(), [two.root()]);
        fs::write(two.setup(), "{").unwrap();
        assert_eq!(leave(&copy, &one).unwrap(), [two.root()], "who knows");
        fs::remove_dir_all(two.root()).unwrap();
        assert_eq!(leave(&copy, &one).unwrap(), [""; 0].map(PathBuf::from));
        assert!(!note(&copy).exists());
    }
}
