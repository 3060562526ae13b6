//! Whether the data directory is one that we may use, and its making.
//!
//! It holds everything that was ever typed, so it must belong to us and be closed to others' writing; and it holds a SQLite
//! file in WAL mode and locks, which network file systems do not keep.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use queue::DataDir;
use settings::{Chosen, Settings};

use crate::error::{At, Error};

/// Checks the data directory and makes what is missing of it.
///
/// # Errors
/// [`Error::Home`] in one line that says what to do, else the operating system's.
pub fn prepare(settings: &Settings) -> Result<(), Error> {
    let root = settings.home.root();
    match fs::metadata(root) {
        Ok(meta) if !meta.is_dir() => return Err(wrong(root, "is not a directory; give --home another place")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The default place may lie deep in a fresh home. One that was typed is more likely misspelt.
            let parent = root.parent().unwrap_or(root);
            if settings.home_chosen == Chosen::Named
                && !root.is_symlink()
                && !parent.is_dir()
                && parent != Path::new("")
            {
                return Err(wrong(
                    root,
                    "its parent directory does not exist; create that, or check --home for a typo",
                ));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(wrong(root, "lies below a file; give --home another place"));
        }
        Err(error) => return Err(error).at("look at", root),
    }
    settings.home.create().at("prepare", root)?;
    check_private(&settings.home)?;
    check_file_system(root)
}

/// Refuses the store of the sample, which is no place to keep anything: `ops/up --uninstall` deletes it.
///
/// # Errors
/// [`Error::Home`] in one line that says what to do.
pub fn not_the_sample(home: &DataDir) -> Result<(), Error> {
    if !home.sample().exists() {
        return Ok(());
    }
    Err(wrong(
        home.root(),
        "is the store of the sample, into which nothing else is taken; run: unset PROMPT_MANAGER_HOME (or give --home another place)",
    ))
}

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Home { path: path.to_owned(), problem: problem.into() }
}

/// Nobody else may put anything into our directories, or change it.
fn check_private(home: &DataDir) -> Result<(), Error> {
    let ours = rustix::process::geteuid().as_raw();
    let is_away = home.archive_away().is_some();
    // Backups may lie elsewhere, and whatever is wrong there, prompts are taken in; also while the disk of the archive is away.
    let is_apart = |dir: &Path| dir == home.backups() || is_away && dir == home.archive();
    for dir in home.folders().into_iter().filter(|dir| !is_apart(dir)) {
        let meta = fs::metadata(&dir).at("look at", &dir)?;
        if meta.uid() != ours {
            let problem =
                format!("belongs to user {}, not to {ours} who runs this; use a directory of your own", meta.uid());
            return Err(wrong(&dir, problem));
        }
        if meta.mode() & 0o022 != 0 {
            let problem = format!(
                "others may write to it (mode {:04o}); run: chmod go-w '{}'",
                meta.mode() & 0o7777,
                dir.display()
            );
            return Err(wrong(&dir, problem));
        }
    }
    Ok(())
}

/// Refuses the file systems that keep no locks or share no memory.
fn check_file_system(root: &Path) -> Result<(), Error> {
    match store::unfit_file_system(root).at("look at the file system of", root)? {
        None => Ok(()),
        Some(name) => Err(wrong(
            root,
            format!(
                "lies on a network or user-space file system ({name}), which would damage the database; use a local disk"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    /// Lets `make` arrange things in a temporary directory and say where the home shall be.
    fn check(make: impl FnOnce(&Path) -> PathBuf, expected: Result<(), &str>) {
        let dir = tempfile::tempdir().unwrap();
        let home = make(dir.path());
        let flags = settings::Layer { home: Some(home.clone()), ..Default::default() };
        let settings = Settings::resolve(flags, &|name| (name == "HOME").then(|| "/nonexistent".into())).unwrap();
        match (prepare(&settings), expected) {
            (Ok(()), Ok(())) => {
                let mode = fs::metadata(home.join("queue/incoming")).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o700);
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
                assert_eq!(error.exit(), crate::exit::Exit::Config);
            }
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn homes() {
        check(|dir| dir.join("new"), Ok(()));
        check(|dir| dir.to_owned(), Ok(()));
        check(|dir| dir.join("no/such"), Err("its parent directory does not exist"));
        check(
            |dir| {
                fs::write(dir.join("file"), "").unwrap();
                dir.join("file")
            },
            Err("is not a directory"),
        );
        check(
            |dir| {
                fs::write(dir.join("file"), "").unwrap();
                dir.join("file/home")
            },
            Err("below a file"),
        );
        check(
            |dir| {
                fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
                dir.to_owned()
            },
            Err("chmod go-w"),
        );
    }
}
