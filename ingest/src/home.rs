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

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Home { path: path.to_owned(), problem: problem.into() }
}

/// Nobody else may put anything into our directories, or change it.
fn check_private(home: &DataDir) -> Result<(), Error> {
    let ours = rustix::process::geteuid().as_raw();
    let database = home.database();
    let dirs = [
        home.root().to_owned(),
        home.queue(),
        home.tmp(),
        home.incoming(),
        home.processing(),
        home.failed(),
        home.archive(),
        home.run(),
        database.parent().unwrap_or(&database).to_owned(),
    ];
    for dir in dirs {
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
    match unfit_file_system(root)? {
        None => Ok(()),
        Some(name) => Err(wrong(
            root,
            format!(
                "lies on a network or user-space file system ({name}), which would damage the database; use a local disk"
            ),
        )),
    }
}

/// The kind of the file system of `path`, if it keeps no locks or shares no memory.
///
/// # Errors
/// The operating system's.
pub(crate) fn unfit_file_system(path: &Path) -> Result<Option<&'static str>, Error> {
    #[cfg(target_os = "linux")]
    {
        let kind = rustix::fs::statfs(path).map_err(io::Error::from).at("look at the file system of", path)?.f_type;
        // Some platforms have it signed, and the numbers are 32 bits.
        Ok(unfit(kind as u32))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Ok(None)
    }
}

/// By the number that the kernel gives it (statfs(2)).
#[cfg(target_os = "linux")]
fn unfit(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x6573_5546 => "FUSE",
        0x00c3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        _ => return None,
    })
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

    #[test]
    #[cfg(target_os = "linux")]
    fn file_systems() {
        for (kind, expected) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0x0102_1997, "9p"), (0x6573_5546, "FUSE")] {
            assert_eq!(unfit(kind), Some(expected));
        }
        // ext4, tmpfs, btrfs, overlay
        for kind in [0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630] {
            assert_eq!(unfit(kind), None, "{kind:x}");
        }
    }
}
