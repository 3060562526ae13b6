//! How a file changes its place in the queue: it gets its new name, or the name was taken. Nothing is ever replaced.

use std::path::Path;
use std::{fs, io};

use crate::broken::{Rule, broken};
use crate::sys;

/// Renames `from` to `to` if `to` is free.
///
/// Where the kernel or the file system cannot refuse a taken name by itself (macOS, some old or foreign file systems),
/// the file is linked under its new name and then unlinked under the old one. Between the two it has both names.
///
/// # Errors
/// `AlreadyExists` if `to` is taken, else the operating system's.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    if broken(Rule::NoReplace) {
        return fs::rename(from, to);
    }
    match sys::rename_noreplace(from, to) {
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {
            link_then_unlink(from, to)
        }
        result => result,
    }
}

/// The new name is what counts. If the old one stays, the file is seen twice under the same bytes, which its reader
/// must bear anyway (a process may die between the two calls); an error would say that it is not in its new place.
fn link_then_unlink(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    let _ = fs::remove_file(from);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rename = fn(&Path, &Path) -> io::Result<()>;

    fn check(rename: Rename, taken: bool, expected: Result<(), io::ErrorKind>) {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        if taken {
            fs::write(&to, "old").unwrap();
        }
        assert_eq!(rename(&from, &to).map_err(|error| error.kind()), expected);
        assert_eq!(fs::read_to_string(&to).unwrap(), if taken { "old" } else { "new" });
        assert_eq!(fs::read_to_string(&from).ok().as_deref(), taken.then_some("new"));
    }

    #[test]
    fn never_replaces() {
        for rename in [rename_new as Rename, link_then_unlink as Rename] {
            check(rename, false, Ok(()));
            check(rename, true, Err(io::ErrorKind::AlreadyExists));
        }
    }

    #[test]
    fn a_missing_file_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        for rename in [rename_new as Rename, link_then_unlink as Rename] {
            let error = rename(&dir.path().join("from"), &dir.path().join("to")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}
