//! Opens a file that somebody else may be using, hostile or not, and locks it: the one place where fs2 is used.
//!
//! A lock follows the inode, so after locking, the name is looked at again: by then another ingester may have moved the
//! file away. The kernel drops the lock with the descriptor, so a dead owner leaves nothing to clean up, and no age or
//! process id is ever consulted. Nothing here blocks or follows a link: `O_NOFOLLOW` for symlinks, `O_NONBLOCK` for FIFOs.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use queue::broken::{Rule, broken};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// An open file under our exclusive lock, and what it is.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) file: File,
    pub(crate) meta: Metadata,
}

/// What became of the attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is ours.
    Locked(Locked),
    /// Somebody alive has it.
    Busy,
    /// The name is gone or means another file by now.
    Gone,
    /// A file of ours that has a second name somewhere, under our lock.
    Linked(Locked),
    /// Not a file that we may take.
    Odd(Odd),
}

/// Why a directory entry is not a queue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Odd {
    /// A symlink, FIFO, socket, device or directory.
    NotAFile,
    /// Another user owns it.
    OtherOwner,
    /// Its mode keeps us out.
    Unreadable,
    /// It has a second name outside the queue.
    HardLinked,
}

/// Opens and locks `path`, without waiting.
///
/// # Errors
/// Those of the operating system that are not about this file alone.
pub(crate) fn lock(path: &Path) -> io::Result<Outcome> {
    take(path, try_exclusive)
}

/// Opens `path` whoever has it: for the controls of the rules that need the lock.
///
/// # Errors
/// As [`lock`].
pub(crate) fn disregard(path: &Path) -> io::Result<Outcome> {
    take(path, |_| Ok(true))
}

fn take(path: &Path, lock: impl FnOnce(&File) -> io::Result<bool>) -> io::Result<Outcome> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(Outcome::Gone),
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR | Errno::NODEV) => return Ok(Outcome::Odd(Odd::NotAFile)),
        Err(Errno::ACCESS | Errno::PERM) => return Ok(Outcome::Odd(Odd::Unreadable)),
        Err(error) => return Err(error.into()),
    };
    if !lock(&file)? {
        return Ok(Outcome::Busy);
    }
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(Outcome::Odd(Odd::NotAFile));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Ok(Outcome::Odd(Odd::OtherOwner));
    }
    if !broken(Rule::InodeRecheck) && !is_at(&meta, path)? {
        return Ok(Outcome::Gone);
    }
    let linked = meta.nlink() != 1;
    let locked = Locked { file, meta };
    Ok(if linked { Outcome::Linked(locked) } else { Outcome::Locked(locked) })
}

/// Locks an open file without waiting; false if somebody has it.
///
/// # Errors
/// The operating system's.
pub(crate) fn try_exclusive(file: &File) -> io::Result<bool> {
    match fs2::FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether `path` names the very file that `meta` describes.
pub(crate) fn is_at(meta: &Metadata, path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) == (meta.dev(), meta.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(make: impl FnOnce(&Path), expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        make(&path);
        let found = format!("{:?}", lock(&path).unwrap());
        assert!(found.starts_with(expected), "{found} is not {expected}");
    }

    #[test]
    fn only_plain_files_of_ours_are_taken() {
        check(|path| std::fs::write(path, "a").unwrap(), "Locked");
        check(|_| {}, "Gone");
        check(|path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap(), "Odd(NotAFile)");
        check(|path| std::fs::create_dir(path).unwrap(), "Odd(NotAFile)");
        check(|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()), "Odd(NotAFile)");
        check(
            |path| {
                let mode = Mode::RUSR | Mode::WUSR;
                rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
            },
            "Odd(NotAFile)",
        );
        check(
            |path| {
                std::fs::write(path, "a").unwrap();
                std::fs::hard_link(path, path.with_extension("other")).unwrap();
            },
            "Linked",
        );
    }

    #[test]
    fn a_lock_is_exclusive_and_ends_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "a").unwrap();
        let Outcome::Locked(held) = lock(&path).unwrap() else { panic!("not locked") };
        assert!(matches!(lock(&path).unwrap(), Outcome::Busy));
        drop(held);
        assert!(matches!(lock(&path).unwrap(), Outcome::Locked(_)));
    }

    #[test]
    fn a_hook_that_writes_keeps_us_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let hook = File::create(&path).unwrap();
        hook.try_lock_shared().unwrap();
        assert!(matches!(lock(&path).unwrap(), Outcome::Busy));
    }

    #[test]
    fn a_name_that_moved_on_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("x"), dir.path().join("y"));
        std::fs::write(&path, "a").unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        std::fs::rename(&path, &other).unwrap();
        std::fs::write(&path, "b").unwrap();
        assert!(!is_at(&meta, &path).unwrap());
        assert!(is_at(&meta, &other).unwrap());
    }
}
