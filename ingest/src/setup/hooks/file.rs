//! The settings file on the disk: found through its links, read, and replaced at once, unless somebody was quicker.
//!
//! It is written beside itself and renamed, so that Claude Code, which watches it, sees the old one or the new one. Its mode and
//! its owner stay. A link is followed and stays a link: people keep their settings in a repository of their own.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::disk::sync_dir;
use crate::error::{At, Error};

/// More links are a circle.
const LINKS: usize = 40;
/// No settings are larger, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Where it really is.
    pub(super) path: PathBuf,
    /// `None`: there is no file.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Snapshot {
    /// Reads what `path` means.
    ///
    /// # Errors
    /// [`Error::Refused`] for what is no file, or one that must not be written; the operating system's.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let path = real(path)?;
        let refuse = |problem: String| Err(Error::Refused { path: path.clone(), problem });
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { path, bytes: None }),
            Err(error) => return Err(error).at("look at", &path),
        };
        if !meta.is_file() {
            return refuse("is no file; move it away and run this again".to_owned());
        }
        if meta.mode() & 0o200 == 0 {
            return refuse(format!("is read-only and is left so; run: chmod u+w '{}'", path.display()));
        }
        let user = rustix::process::geteuid();
        if !user.is_root() && meta.uid() != user.as_raw() {
            return refuse(format!("belongs to user {}, and is left to them", meta.uid()));
        }
        if meta.len() > LARGEST {
            return refuse(format!("is larger than {}, and is left as it is", terminal::size(LARGEST)));
        }
        let bytes = Some(fs::read(&path).at("read", &path)?);
        Ok(Self { path, bytes })
    }

    /// Puts `bytes` in the place of what was read; false if that is not what is there any more.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<bool, Error> {
        self.clear()?;
        let partial = self.partial();
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&partial)?;
            if let Ok(meta) = fs::metadata(&self.path) {
                let own = file.metadata()?;
                if (own.uid(), own.gid()) != (meta.uid(), meta.gid()) {
                    std::os::unix::fs::fchown(&file, Some(meta.uid()), Some(meta.gid()))?;
                }
                file.set_permissions(Permissions::from_mode(meta.mode() & 0o7777))?;
            }
            file.write_all(bytes)?;
            file.sync_all()
        };
        let written = write().at("write", &partial).and_then(|()| {
            if !self.is_what_is_there()? {
                return Ok(false);
            }
            self.put(&partial, bytes).at("write", &self.path)
        });
        if !matches!(written, Ok(true)) {
            let _ = fs::remove_file(&partial);
            return written;
        }
        sync_dir(self.path.parent().unwrap_or(Path::new("/")))?;
        Ok(true)
    }

    /// Puts `partial`, which says `ours`, in the place of what was read; false if something else came out of it, which is back
    /// then. Who writes between a look and a rename would not be heard: the two change places, and what came out is looked at.
    fn put(&self, partial: &Path, ours: &[u8]) -> io::Result<bool> {
        let rename = |flags| renameat_with(CWD, partial, CWD, &self.path, flags);
        let Some(read) = &self.bytes else {
            return match rename(RenameFlags::NOREPLACE) {
                Ok(()) => Ok(true),
                Err(Errno::EXIST) => Ok(false),
                Err(error) if is_unknown(error) => fs::rename(partial, &self.path).map(|()| true),
                Err(error) => Err(error.into()),
            };
        };
        match rename(RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(error) if is_unknown(error) => return fs::rename(partial, &self.path).map(|()| true),
            Err(error) => return Err(error.into()),
        }
        if fs::read(partial)? == *read {
            fs::remove_file(partial)?;
            return Ok(true);
        }
        rename(RenameFlags::EXCHANGE)?;
        if fs::read(partial)? != ours {
            // Somebody wrote once more, to ours: that is the newest.
            rename(RenameFlags::EXCHANGE)?;
        }
        Ok(false)
    }

    /// Takes the file away; false if it is not what was read.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn remove(&self) -> Result<bool, Error> {
        if !self.is_what_is_there()? {
            return Ok(false);
        }
        fs::remove_file(&self.path).at("remove", &self.path)?;
        Ok(true)
    }

    /// Takes away what a setup left that died: one runs at a time.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn clear(&self) -> Result<(), Error> {
        let partial = self.partial();
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", &partial),
            _ => Ok(()),
        }
    }

    fn partial(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".prompt-manager.partial");
        self.path.with_file_name(name)
    }

    fn is_what_is_there(&self) -> Result<bool, Error> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(self.bytes.as_ref() == Some(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.bytes.is_none()),
            Err(error) => Err(error).at("read", &self.path),
        }
    }
}

/// Whether a file system does not know how to do that.
fn is_unknown(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM)
}

/// Where a chain of links ends, also if nothing is there yet. The folder must be there.
fn real(path: &Path) -> Result<PathBuf, Error> {
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        let folder = at.parent().unwrap_or(Path::new("/"));
        let folder = folder.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Refused {
                path: path.to_owned(),
                problem: format!(
                    "leads to {}, and there is no such folder; make it, or mend the link",
                    folder.display()
                ),
            },
            _ => Error::Io { op: "look at", path: folder.to_owned(), source: error },
        })?;
        at = folder.join(at.file_name().unwrap_or_default());
        match fs::read_link(&at) {
            Ok(target) => at = folder.join(target),
            Err(_) => return Ok(at),
        }
    }
    Err(Error::Refused { path: path.to_owned(), problem: "is a link to itself; mend it and run this again".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn check(make: impl FnOnce(&Path), expected: Result<(&str, Option<&str>), &str>) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        make(&root);
        let found = Snapshot::read(&root.join("s"));
        match (found, expected) {
            (Ok(found), Ok((path, bytes))) => {
                assert_eq!((found.path, found.bytes.as_deref()), (root.join(path), bytes.map(str::as_bytes)));
            }
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn what_a_path_means() {
        check(|_| (), Ok(("s", None)));
        check(|dir| fs::write(dir.join("s"), "a").unwrap(), Ok(("s", Some("a"))));
        check(
            |dir| {
                fs::create_dir(dir.join("d")).unwrap();
                symlink("d/b", dir.join("s")).unwrap();
                symlink("../c", dir.join("d/b")).unwrap();
                fs::write(dir.join("c"), "x").unwrap();
            },
            Ok(("c", Some("x"))),
        );
        check(|dir| symlink("nothing", dir.join("s")).unwrap(), Ok(("nothing", None)));
        check(|dir| symlink("no/such", dir.join("s")).unwrap(), Err("there is no such folder"));
        check(|dir| symlink("s", dir.join("s")).unwrap(), Err("is a link to itself"));
        check(|dir| fs::create_dir(dir.join("s")).unwrap(), Err("is no file"));
        check(
            |dir| {
                fs::write(dir.join("s"), "a").unwrap();
                fs::set_permissions(dir.join("s"), Permissions::from_mode(0o444)).unwrap();
            },
            Err("is read-only and is left so; run: chmod u+w"),
        );
    }

    #[test]
    fn replaced_unless_somebody_was_quicker() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        fs::write(&path, "a").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let old = Snapshot::read(&path).unwrap();
        assert!(old.replace(b"b").unwrap());
        assert_eq!((fs::read(&path).unwrap(), path.metadata().unwrap().mode() & 0o7777), (b"b".to_vec(), 0o640));
        assert!(!old.replace(b"c").unwrap() && !old.remove().unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"b");
        assert!(Snapshot::read(&path).unwrap().remove().unwrap());
        assert!(!old.replace(b"d").unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left beside it");
        let none = Snapshot::read(&path).unwrap();
        assert!(none.replace(b"e").unwrap());
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
    }
}
